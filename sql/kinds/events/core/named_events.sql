-- How many events are of items that have a name; one row, none without events.
-- grain:         n_events
-- why:           lists show names: what the catalogue does not name, nobody can read.
-- check (note):  n_unnamed_events = 0
--                -- {n_unnamed_events:,} of {n_events:,} events are of items without a name
--                ({unnamed_share:%})
-- only if:       files.items
-- built with:    core.events

with
-- one row per item with events
item_events as (
    select
        events.item_id,
        count(*) as n_events
    from core.events
    group by events.item_id
),

-- one row, none without events
all_events as (
    select
        cast(sum(item_events.n_events) as bigint) as n_events,
        cast(
            sum(case when items.item_name is null then item_events.n_events else 0 end) as bigint
        ) as n_unnamed_events
    from item_events
    inner join core.items
        on item_events.item_id = items.item_id
    having count(*) > 0
)

select
    all_events.n_events,
    -- events of items that have no name
    all_events.n_unnamed_events,
    -- their share of all events, 0 to 1
    all_events.n_unnamed_events / cast(all_events.n_events as double) as unnamed_share
from all_events
