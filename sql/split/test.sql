-- The events that judge; nothing but eval reads them.
-- grain:  none
-- why:    empty when the split is none: that is a production build.
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
where events.is_test
