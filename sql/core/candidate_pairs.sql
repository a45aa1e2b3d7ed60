-- The pairs that the filters judge: each user and item that a valid event joins.
-- grain:  user_idx, item_idx
-- why:    empty where every filter is off: nobody pays for a filter that nobody asked for.
-- check:  n_events >= 1

select
    users.user_idx,
    items.item_idx,
    -- valid events of the pair
    count(*) as n_events
from staging.events
inner join core.users
    on events.user_id = users.user_id
inner join core.items
    on events.item_id = items.item_id
where
    events.weight >= 0
    and (
        $max_small_history > 0
        or $top_items > 0
        or $min_users_per_item > 0
        or $min_items_per_user > 0
        or $k_core_users > 0
        or $k_core_items > 0
    )
group by users.user_idx, items.item_idx
