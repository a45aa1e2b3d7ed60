-- Each judged user's metrics by every convention that is a mean over users.
-- grain:  model_name, user_id, k, convention
-- why:    definitions in eval.conventions; precision's hits_over_attainable is a share of sums, and
--         no user has it. The case has one branch a convention, so that each formula stands once.
-- check:  value between 0 and 1.000001
-- as:     view

with
-- one row: items of the catalogue
all_items as (
    select count(*) as n_items
    from core.items
),

-- one row per judged user, model and list length, in floating point
measured_lists as (
    select
        user_hits.model_name,
        user_hits.user_id,
        user_hits.k,
        cast(user_hits.n_hits as double) as n_hits,
        cast(user_hits.n_test_items as double) as n_test_items,
        cast(least(user_hits.k, user_hits.n_test_items) as double) as cap,
        cast(user_hits.n_listed - user_hits.n_hits as double) as n_misses,
        cast(all_items.n_items - user_hits.n_test_items as double) as n_other_items,
        cast(user_hits.n_ordered_pairs as double) as n_ordered_pairs,
        user_hits.first_hit_rank,
        user_hits.precision_sum,
        user_hits.gain,
        user_hits.ideal_gain,
        user_hits.full_gain
    from eval.user_hits
    cross join all_items
)

select
    measured_lists.model_name,
    measured_lists.user_id,
    -- list length that is judged
    measured_lists.k,
    -- precision, recall, ndcg, map, mrr, hit_rate or auc
    conventions.metric,
    -- which definition of the metric: eval.conventions
    conventions.convention,
    -- 0 to 1, bigger is better
    case conventions.convention
        when 'hits_over_k' then n_hits / k
        when 'hits_over_test_items' then n_hits / n_test_items
        when 'hits_over_capped_test_items' then n_hits / cap
        when 'ideal_test_items' then gain / ideal_gain
        when 'ideal_full_list' then gain / full_gain
        when 'precision_sum_over_attainable' then precision_sum / cap
        when 'precision_sum_over_test_items' then precision_sum / n_test_items
        when 'first_hit' then coalesce(1e0 / first_hit_rank, 0)
        when 'any_hit' then least(n_hits, 1)
        when 'unlisted_at_chance' then case
            when n_other_items = 0 then 1
            else (
                n_ordered_pairs + (n_hits + n_test_items) / 2 * (n_other_items - n_misses)
            ) / (n_test_items * n_other_items)
        end
    end as value
from measured_lists
cross join eval.conventions
where conventions.is_user_mean
