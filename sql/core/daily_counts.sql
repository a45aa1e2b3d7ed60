-- Events, users and items of each day, over all events.
-- grain:  event_date
-- why:    for people, not for models: it counts test rows too. Events without a time have no day; a
--         source without times gives an empty table.

select
    -- day, UTC
    cast(events.occurred_at as date) as event_date,
    count(*) as n_events,
    -- distinct users of the day
    count(distinct events.user_id) as n_users,
    -- distinct items of the day
    count(distinct events.item_id) as n_items
from core.events
where events.occurred_at is not null
group by cast(events.occurred_at as date)
