-- The kept interactions, user by user in the order of their times.
-- file:  events.parquet

select
    events.user_id,
    events.item_id,
    events.position as track_seq,
    events.occurred_at as started_at
from core.events
order by events.user_id, events.occurred_at, events.position, events.item_id
