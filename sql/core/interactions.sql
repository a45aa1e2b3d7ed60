-- Each user and item that met, once, with everything between them added up.
-- grain:  user_id, item_id
-- check:  n_events >= 1
-- check:  first_at is null or first_at <= last_at

select
    events.user_id,
    events.item_id,
    -- events of this pair, 1 or more
    count(*) as n_events,
    -- sum of the events' weights
    cast(sum(events.weight) as decimal(28, 6)) as weight,
    -- first event, UTC; null where the source has no times
    min(events.occurred_at) as first_at,
    -- last event, UTC; null where the source has no times
    max(events.occurred_at) as last_at
from core.events
group by events.user_id, events.item_id
