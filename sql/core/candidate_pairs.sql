-- The pairs that the filters judge: users and items that valid events join, small users left out.
-- grain:  user_idx, item_idx
-- why:    empty where no filter counts pairs: nobody pays for a filter that nobody asked for.

select
    users.user_idx,
    items.item_idx
from staging.events
inner join core.users
    on events.user_id = users.user_id
inner join core.items
    on events.item_id = items.item_id
left join core.small_users
    on users.user_idx = small_users.user_idx
where
    events.weight >= 0
    and not coalesce(events.occurred_at > $max_time, false)
    and small_users.user_idx is null
    and (
        $top_items > 0
        or $min_users_per_item > 0
        or $min_items_per_user > 0
        or $k_core_users > 0
        or $k_core_items > 0
    )
group by users.user_idx, items.item_idx
