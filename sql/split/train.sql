-- The events that everything after the split may learn from.
-- grain:  none
-- why:    the only rows of events that features, models and lists may read: otherwise metrics leak.
-- as:     view

select
    events.user_id,
    events.item_id,
    -- strength of the event, 0 or more
    events.weight,
    -- when it happened, UTC; null where the source has no times
    events.occurred_at,
    -- what the event was met in, a playlist or a session
    events.basket_id,
    -- place in the basket as the source numbers it
    events.position
from split.events
where not events.is_test
