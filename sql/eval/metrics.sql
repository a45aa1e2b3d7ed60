-- How well each model's lists find what users did next, by every convention.
-- grain:  model_name, metric, k, convention
-- why:    over all judged users, those a model has no list for included; empty where nothing is
--         judged, as with split = none. Means are added in fixed point, unit 1e-12.
-- check:  value between 0 and 1.000001 and n_users >= 1

with
-- one row per model and list length
summed_hits as (
    select
        user_hits.model_name,
        user_hits.k,
        count(*) as n_users,
        cast(sum(user_hits.n_hits) as bigint) as n_hits,
        cast(sum(least(user_hits.k, user_hits.n_test_items)) as bigint) as n_attainable,
        cast(
            sum(cast(round(1e12 * user_hits.n_hits / user_hits.n_test_items) as bigint)) as bigint
        ) as recall_units,
        cast(
            sum(cast(round(1e12 * user_hits.gain / user_hits.ideal_gain) as bigint)) as bigint
        ) as ndcg_units
    from eval.user_hits
    group by user_hits.model_name, user_hits.k
),

-- one row per model, list length and convention
convention_values as (
    select
        summed_hits.model_name,
        summed_hits.k,
        summed_hits.n_users,
        conventions.metric,
        conventions.convention,
        conventions.definition,
        case conventions.convention
            when 'hits_over_k'
                then summed_hits.n_hits / cast(summed_hits.k * summed_hits.n_users as double)
            when 'hits_over_attainable'
                then summed_hits.n_hits / cast(summed_hits.n_attainable as double)
            when 'hits_over_test_items'
                then summed_hits.recall_units / (1e12 * summed_hits.n_users)
            when 'binary_gain'
                then summed_hits.ndcg_units / (1e12 * summed_hits.n_users)
        end as value
    from summed_hits
    cross join eval.conventions
)

select
    convention_values.model_name,
    -- precision, recall or ndcg
    convention_values.metric,
    -- list length that is judged
    convention_values.k,
    -- which definition of the metric
    convention_values.convention,
    -- 0 to 1, bigger is better
    convention_values.value,
    -- users judged
    convention_values.n_users,
    -- what the value is
    convention_values.definition
from convention_values
order by
    convention_values.metric,
    convention_values.k,
    convention_values.convention,
    convention_values.model_name
