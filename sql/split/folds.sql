-- The folds of a split by time: where each cuts, and until when it is judged.
-- grain:  fold
-- why:    one fold, and no end, unless folds asks for more. Without a cutoff that one cut is the
--         earliest moment such that at most test_share of the events lie at or after it: all events
--         of one moment fall on one side. Where the last moment alone holds more, the cut is right
--         after it and test is empty, which split.manifest warns of. Several folds are windows of
--         fold_days: the first begins at the cutoff; without one the last ends with the data
--         (end_at of core.time_span: a few events of a broken clock do not empty the windows).
--         Only a cut that test_share has to find sorts the moments.
-- check:  fold >= 1 and (end_at is null or cut_at < end_at)

with
-- one row, none unless some event has a time: their number, the last of them, the end of the data
timed_events as (
    select
        time_span.n_events,
        time_span.last_at,
        time_span.end_at
    from core.time_span
    where $split = 'time'
),

-- one row per moment, where the cut has to be found, with the events at it and after it
moments as (
    select
        events.occurred_at,
        cast(sum(count(*)) over (order by events.occurred_at desc) as bigint) as n_from_here
    from core.events
    where
        $split = 'time' and $cutoff is null and $folds = 1
        and events.occurred_at is not null
    group by events.occurred_at
),

-- one row: the earliest moment that leaves at most the share behind it
cut_moments as (
    select min(moments.occurred_at) as occurred_at
    from moments
    cross join timed_events
    -- rounded: 0.58 of 50 is 29, not 28.999999999999996
    where moments.n_from_here <= round($test_share * timed_events.n_events, 6)
),

-- one row: where the first fold cuts
first_cuts as (
    select
        case
            when $cutoff is not null then $cutoff
            when $folds = 1 then coalesce(
                cut_moments.occurred_at,
                timed_events.last_at + interval 1 microsecond
            )
            else timed_events.end_at + interval 1 microsecond
                - interval 1 day * ($fold_days * $folds)
        end as cut_at
    from timed_events
    cross join cut_moments
)

select
    -- 1 is the earliest
    numbers.fold,
    -- events from this moment on are test, UTC; train is what lies before it
    first_cuts.cut_at + interval 1 day * ($fold_days * (numbers.fold - 1)) as cut_at,
    -- events from this moment on are left out, UTC; null: none is
    case
        when $folds > 1 then first_cuts.cut_at + interval 1 day * ($fold_days * numbers.fold)
    end as end_at,
    -- true for the fold that this build is
    numbers.fold = $fold as is_chosen
from first_cuts
cross join unnest(generate_series(1, $folds)) as numbers(fold)
