-- How many events have each number: weights, as plays or ratings, and places in baskets.
-- grain:  column_name, number
-- why:    for people, over all events; the quartiles of core.column_statistics come from here.

select
    -- column of core.events: weight or position
    'weight' as column_name,
    -- what stands there
    events.weight as number,
    -- events that have it
    count(*) as n_events
from core.events
where events.weight is not null
group by events.weight
union all
select
    'position' as column_name,
    cast(events.position as decimal(18, 6)) as number,
    count(*) as n_events
from core.events
where events.position is not null
group by events.position
