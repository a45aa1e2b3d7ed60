-- The moment that divides train from test, when the split is by time; one row.
-- grain:  split
-- why:    without a cutoff the cut is the earliest moment such that at most test_share of the
--         events lie at or after it: all events of one moment fall on one side. Where the last
--         moment alone holds more, the cut is right after it and test is empty, which
--         split.manifest warns of.
-- check:  split <> 'time' or cut_at is not null
--         -- no event has a time; choose split = random or none

with
-- one row per moment, with the events at it and after it
moments as (
    select
        events.occurred_at,
        cast(sum(count(*)) over (order by events.occurred_at desc) as bigint) as n_from_here
    from core.events
    where $split = 'time' and $cutoff is null and events.occurred_at is not null
    group by events.occurred_at
),

-- one row: how many events have a time, and the last of them
timed_events as (
    select
        count(*) as n_timed_events,
        max(events.occurred_at) as last_at
    from core.events
    where $split = 'time' and events.occurred_at is not null
),

-- one row: the earliest moment that leaves at most the share behind it
cut_moments as (
    select min(moments.occurred_at) as occurred_at
    from moments
    cross join timed_events
    -- rounded: 0.58 of 50 is 29, not 28.999999999999996
    where moments.n_from_here <= round($test_share * timed_events.n_timed_events, 6)
)

select
    -- how the split is made: none, random or time
    $split as split,
    -- events from this moment on are test, UTC; null unless the split is by time and some event has
    -- a time
    case
        when $split = 'time' and timed_events.n_timed_events > 0
            then coalesce(
                $cutoff,
                cut_moments.occurred_at,
                timed_events.last_at + interval 1 microsecond
            )
    end as cut_at
from timed_events
cross join cut_moments
