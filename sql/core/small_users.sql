-- Users with so few events that they are left out before anything else is counted.
-- grain:  user_idx
-- why:    the first of the filters: what small users met makes no item popular. Counted from the
--         events themselves, since it needs no pairs; empty where the filter is off.

select
    users.user_idx,
    -- valid events of the user
    count(*) as n_events
from staging.events
inner join core.users
    on events.user_id = users.user_id
inner join core.items
    on events.item_id = items.item_id
where
    $max_small_history > 0
    and events.weight >= 0
    and not coalesce(events.occurred_at > $max_time, false)
group by users.user_idx
having count(*) <= $max_small_history
