-- The time that the events span, and that of their bulk, without broken clocks; at most one row.
-- grain:         end_at
-- why:           decay, trend, folds and charts count from here. One broken clock (2262, 1970)
--                would move them all. The bulk ends before the first gap that is longer than the
--                time before it and than 30 days, if 5 % of the events at most lie behind it. It
--                begins alike. The time before a gap counts from the day that 5 % of the events lie
--                before, so that an event of 1970 hides no gap. Today's date plays no part.
-- check:         n_earlier_events >= 0 and n_later_events >= 0
-- check (warn):  n_later_events = 0 or is_given
--                -- {n_later_events:,} of {n_events:,} events with a time lie long after
--                {bulk_last_at}, the last at {last_at}. Decay, trend and folds count back from
--                {end_at}; from another moment with --set 'data_end={last_at}'

with
-- one row per day with events
days as (
    select
        cast(events.occurred_at as date) as event_date,
        count(*) as n_events,
        min(events.occurred_at) as first_at,
        max(events.occurred_at) as last_at
    from core.events
    where events.occurred_at is not null
    group by cast(events.occurred_at as date)
),

-- one row per day with events, with the events before and after it
running_days as (
    select
        days.event_date,
        days.first_at,
        days.last_at,
        days.n_events,
        cast(sum(days.n_events) over () as bigint) as n_all,
        cast(sum(days.n_events) over (order by days.event_date) as bigint)
        - days.n_events as n_before,
        lag(days.event_date) over (order by days.event_date) as date_before,
        lead(days.event_date) over (order by days.event_date) as date_after
    from days
),

-- one row: the days that 5 % of the events at most lie before, and after
middles as (
    select
        max(
            case
                when 20 * running_days.n_before <= running_days.n_all
                    then running_days.event_date
            end
        ) as first_date,
        min(
            case
                when 20 * (running_days.n_all - running_days.n_before - running_days.n_events)
                    <= running_days.n_all
                    then running_days.event_date
            end
        ) as last_date
    from running_days
),

-- one row: the last day before such a gap, and the first after one; null where there is none
gaps as (
    select
        min(
            case
                when running_days.event_date >= middles.last_date
                    and running_days.date_after - running_days.event_date
                    > greatest(running_days.event_date - middles.first_date, 30)
                    then running_days.event_date
            end
        ) as end_date,
        max(
            case
                when running_days.event_date <= middles.first_date
                    and running_days.event_date - running_days.date_before
                    > greatest(middles.last_date - running_days.event_date, 30)
                    then running_days.event_date
            end
        ) as begin_date
    from running_days
    cross join middles
),

-- one row: the moments, none where no event has a time
ends as (
    select
        min(running_days.first_at) as first_at,
        max(running_days.last_at) as last_at,
        coalesce(
            min(
                case
                    when running_days.event_date = gaps.begin_date then running_days.first_at
                end
            ),
            min(running_days.first_at)
        ) as bulk_first_at,
        coalesce(
            max(case when running_days.event_date = gaps.end_date then running_days.last_at end),
            max(running_days.last_at)
        ) as bulk_last_at
    from running_days
    cross join gaps
    having count(*) > 0
)

select
    -- what decay, trend and folds count back from, UTC: data_end, or the last event of the bulk
    coalesce($data_end, ends.bulk_last_at) as end_at,
    -- true where data_end says so
    $data_end is not null as is_given,
    -- first event of the bulk, UTC
    ends.bulk_first_at,
    -- last event of the bulk, UTC
    ends.bulk_last_at,
    -- first event, UTC
    ends.first_at,
    -- last event, UTC
    ends.last_at,
    -- events that have a time
    count(*) as n_events,
    -- of these, events before the bulk
    cast(sum(case when events.occurred_at < ends.bulk_first_at then 1 else 0 end) as bigint)
        as n_earlier_events,
    -- of these, events after the bulk
    cast(sum(case when events.occurred_at > ends.bulk_last_at then 1 else 0 end) as bigint)
        as n_later_events
from core.events
cross join ends
where events.occurred_at is not null
group by ends.bulk_first_at, ends.bulk_last_at, ends.first_at, ends.last_at
