-- The events as they stand in the files.
-- grain:     none
-- why:       copied once, typed: everything after reads this and never the files again.
-- for each:  files.events

select
    events.user_id,
    events.item_id,
    events.weight,
    events.occurred_at,
    events.basket_id,
    events.position,
    events.source_file
from files.events
