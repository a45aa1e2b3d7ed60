-- The events that judge; nothing but eval reads them.
-- grain:  none
-- why:    empty when the split is none: that is a production build.
-- as:     view

select
    events.user_id,
    events.item_id,
    events.weight,
    events.occurred_at,
    events.basket_id,
    events.position
from split.events
where events.side = 'test'
