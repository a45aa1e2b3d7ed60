-- The line of candidates cut into equal slots, each with the items that lie in it.
-- grain:   slot, item_idx
-- why:     a drawn point finds its item by an equal join on the slot, whatever the item's weight;
--          slots are about as many as items, so that few items share one.
-- source:  Chen, Asau 1974, On generating random variates from an empirical distribution (guide
--          tables)

with
-- one row per candidate, with the slots that its units reach
spanning_items as (
    select
        negative_items.item_idx,
        negative_items.first_unit,
        negative_items.n_units,
        negative_items.first_unit // nullif(negative_totals.n_slot_units, 0) as first_slot,
        (negative_items.first_unit + negative_items.n_units - 1)
        // nullif(negative_totals.n_slot_units, 0) as last_slot
    from training.negative_items
    cross join training.negative_totals
)

select
    -- 0 is the first
    unnested.slot,
    spanning_items.item_idx,
    -- the item's own units, in this slot or not
    spanning_items.first_unit,
    spanning_items.n_units
from spanning_items
cross join unnest(
    generate_series(spanning_items.first_slot, spanning_items.last_slot)
) as unnested(slot)
