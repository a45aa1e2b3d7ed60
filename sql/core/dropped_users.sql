-- Users that met too few items, with the filter that drops them.
-- grain:  user_idx
-- why:    after the items: of the items dropped before, none counts. One pass; the k-core repeats
--         it.

with
-- one row per user that is not small, with the items left
counted_users as (
    select
        candidate_pairs.user_idx,
        cast(count(*) filter (where dropped_items.item_idx is null) as bigint) as n_items
    from core.candidate_pairs
    left join core.dropped_items
        on candidate_pairs.item_idx = dropped_items.item_idx
    group by candidate_pairs.user_idx
)

select
    small_users.user_idx,
    -- distinct items that count; null where the events alone decided
    cast(null as bigint) as n_items,
    -- why the user's events are rejected
    'user_small_history' as reason
from core.small_users
union all
select
    counted_users.user_idx,
    counted_users.n_items,
    'user_below_minimum' as reason
from counted_users
where counted_users.n_items < $min_items_per_user
