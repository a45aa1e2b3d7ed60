-- The events that everything after the split may learn from.
-- grain:  none
-- why:    the only rows of events that features, models and lists learn from: otherwise metrics
--         leak.
-- as:     view

select
    events.user_id,
    events.item_id,
    events.weight,
    events.occurred_at,
    events.basket_id,
    events.position
from split.events
where events.side = 'train'
