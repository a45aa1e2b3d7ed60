-- The folds of a split by time: where each cuts, and until when it is judged.
-- grain:  fold
-- why:    one fold, and no end, unless folds asks for more. Without a cutoff that one cut is the
--         earliest moment such that at most test_share of the events lie at or after it: all events
--         of one moment fall on one side. Where the last moment alone holds more, the cut is right
--         after it and test is empty, which split.manifest warns of. Several folds are windows of
--         fold_days: the first begins at the cutoff; without one the last ends with the events.
-- check:  fold >= 1 and (end_at is null or cut_at < end_at)

with
-- one row per moment, with the events at it and after it
moments as (
    select
        events.occurred_at,
        count(*) as n_events,
        cast(sum(count(*)) over (order by events.occurred_at desc) as bigint) as n_from_here
    from core.events
    where $split = 'time' and events.occurred_at is not null
    group by events.occurred_at
),

-- one row, none unless some event has a time: their number, and the last of them
timed_events as (
    select
        cast(sum(moments.n_events) as bigint) as n_events,
        max(moments.occurred_at) as last_at
    from moments
    having count(*) > 0
),

-- one row: the earliest moment that leaves at most the share behind it
cut_moments as (
    select min(moments.occurred_at) as occurred_at
    from moments
    cross join timed_events
    -- rounded: 0.58 of 50 is 29, not 28.999999999999996
    where moments.n_from_here <= round($test_share * timed_events.n_events, 6)
),

-- one row per fold, with its bounds
bounded_folds as (
    select
        numbers.fold,
        case
            when $folds = 1 then coalesce(
                $cutoff,
                cut_moments.occurred_at,
                timed_events.last_at + interval 1 microsecond
            )
            when $cutoff is not null
                then $cutoff + interval 1 day * ($fold_days * (numbers.fold - 1))
            else timed_events.last_at + interval 1 microsecond
                - interval 1 day * ($fold_days * ($folds - numbers.fold + 1))
        end as cut_at
    from timed_events
    cross join cut_moments
    cross join unnest(generate_series(1, $folds)) as numbers(fold)
),

-- one row per fold, with the end of what it is judged by
closed_folds as (
    select
        bounded_folds.fold,
        bounded_folds.cut_at,
        case
            when $folds > 1 then bounded_folds.cut_at + interval 1 day * $fold_days
        end as end_at
    from bounded_folds
)

select
    -- 1 is the earliest
    closed_folds.fold,
    -- events from this moment on are test, UTC; train is what lies before it
    closed_folds.cut_at,
    -- events from this moment on are left out, UTC; null: none is
    closed_folds.end_at,
    -- timed events before the cut
    cast(
        coalesce(
            sum(moments.n_events) filter (where moments.occurred_at < closed_folds.cut_at), 0
        ) as bigint
    ) as n_train_events,
    -- events from the cut to the end
    cast(
        coalesce(
            sum(moments.n_events) filter (
                where
                    moments.occurred_at >= closed_folds.cut_at
                    and (closed_folds.end_at is null or moments.occurred_at < closed_folds.end_at)
            ),
            0
        ) as bigint
    ) as n_test_events,
    -- true for the fold that this build is
    closed_folds.fold = $fold as is_chosen
from closed_folds
cross join moments
group by closed_folds.fold, closed_folds.cut_at, closed_folds.end_at
