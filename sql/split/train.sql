-- The events that everything after the split may learn from.
-- grain:  none
-- why:    the only rows of events that features, models and lists may read: otherwise metrics leak.
-- as:     view

select
    events.user_id,
    events.item_id,
    events.weight,
    events.occurred_at,
    events.basket_id,
    events.position
from split.events
where not events.is_test
