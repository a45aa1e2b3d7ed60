-- Items that too few users met, with the filter that drops them.
-- grain:  item_idx
-- why:    small users, who left before, do not count; ties at top_items go to the smaller item.

with
-- one row per item
counted_items as (
    select
        candidate_pairs.item_idx,
        count(*) as n_users
    from core.candidate_pairs
    group by candidate_pairs.item_idx
),

-- one row per item, ranked
ranked_items as (
    select
        counted_items.item_idx,
        counted_items.n_users,
        row_number() over (order by counted_items.n_users desc, counted_items.item_idx) as place
    from counted_items
),

-- one row per item, judged
judged_items as (
    select
        ranked_items.item_idx,
        ranked_items.n_users,
        case
            when $top_items > 0 and ranked_items.place > $top_items then 'item_below_top'
            when ranked_items.n_users < $min_users_per_item then 'item_below_minimum'
        end as reason
    from ranked_items
)

select
    judged_items.item_idx,
    -- distinct users who met it, small ones not counted
    judged_items.n_users,
    -- why its events are rejected
    judged_items.reason
from judged_items
where judged_items.reason is not null
