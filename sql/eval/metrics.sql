-- How well each model's lists find what users did next, and how far they range.
-- grain:  model_name, metric, k, convention
-- why:    most are over all judged users, those a model has no list for included: no rows where
--         nothing is judged, as with split = none. coverage, gini and novelty are over all lists.
--         Means are added in fixed point, unit 1e-12.
-- check:  value >= -0.000001 and (value <= 1.000001 or metric = 'novelty') and n_users >= 1

with
-- one row per model, list length and convention: means over users
mean_values as (
    select
        user_values.model_name,
        user_values.k,
        user_values.convention,
        count(*) as n_users,
        sum(cast(round(1e12 * user_values.value) as bigint)) / (1e12 * count(*)) as value
    from eval.user_values
    group by user_values.model_name, user_values.k, user_values.convention
),

-- one row per model and list length: the share of sums
attained_shares as (
    select
        user_hits.model_name,
        user_hits.k,
        'hits_over_attainable' as convention,
        count(*) as n_users,
        sum(user_hits.n_hits)
        / cast(sum(least(user_hits.k, user_hits.n_test_items)) as double) as value
    from eval.user_hits
    group by user_hits.model_name, user_hits.k
),

-- one row per model, list length and convention: figures over all lists
list_values as (
    select
        list_figures.model_name,
        list_figures.k,
        conventions.convention,
        list_figures.n_users,
        case conventions.convention
            when 'listed_of_train_items'
                then list_figures.n_listed_items / cast(list_figures.n_train_items as double)
            when 'listed_of_catalogue'
                then list_figures.n_listed_items / cast(list_figures.n_catalogue_items as double)
            when 'exposure_of_train_items' then list_figures.gini
            when 'self_information' then list_figures.novelty
        end as value
    from eval.list_figures
    cross join eval.conventions
    where conventions.metric in ('coverage', 'gini', 'novelty')
),

-- one row per model, list length and convention
all_values as (
    select model_name, k, convention, n_users, value from mean_values
    union all
    select model_name, k, convention, n_users, value from attained_shares
    union all
    select model_name, k, convention, n_users, value from list_values
)

select
    all_values.model_name,
    -- precision, recall, ndcg, map, mrr, hit_rate, auc, coverage, gini or novelty
    conventions.metric,
    -- list length that is judged
    all_values.k,
    -- which definition of the metric
    all_values.convention,
    -- 0 to 1, novelty in bits; whether bigger is better: eval.conventions
    all_values.value,
    -- users judged; for coverage, gini and novelty users with a list
    all_values.n_users,
    -- what the value is
    conventions.definition
from all_values
inner join eval.conventions
    on all_values.convention = conventions.convention
order by
    conventions.metric,
    all_values.k,
    all_values.convention,
    all_values.model_name
