-- Events, users and items of each week, over all events.
-- grain:  week_start
-- why:    for people, not for models: it counts test rows too. Distinct users of a week are not the
--         sum of those of its days. A source without times gives an empty table.

select
    -- Monday of the week, UTC
    cast(date_trunc('week', events.occurred_at) as date) as week_start,
    count(*) as n_events,
    -- distinct users of the week
    count(distinct events.user_id) as n_users,
    -- distinct items of the week
    count(distinct events.item_id) as n_items
from core.events
where events.occurred_at is not null
group by cast(date_trunc('week', events.occurred_at) as date)
