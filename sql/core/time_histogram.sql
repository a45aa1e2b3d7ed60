-- Events over time: the span of the bulk of the events in 100 bins of one length.
-- grain:  bin
-- why:    for people, over all events but those outside the bulk, which core.time_span counts: with
--         one event of 2262 all others would stand in one bin. Bins begin at whole seconds. A span
--         of less than 100 seconds has a bin for each. Empty bins are here with 0; a source without
--         times gives an empty table. Days and seconds are added apart: an interval holds no more
--         seconds than 68 years have.
-- check:  bin_start < bin_end

with
-- one row: where the events begin, and how long they go on; none where no event has a time
spans as (
    select
        time_span.bulk_first_at,
        time_span.bulk_last_at,
        date_trunc('second', time_span.bulk_first_at) as first_at,
        cast(epoch(date_trunc('second', time_span.bulk_first_at)) as bigint) as first_second,
        cast(epoch(date_trunc('second', time_span.bulk_last_at)) as bigint)
        - cast(epoch(date_trunc('second', time_span.bulk_first_at)) as bigint)
        + 1 as n_seconds
    from core.time_span
),

-- one row per bin
numbered_bins as (
    select
        cast(numbers.bin as bigint) as bin,
        spans.first_at,
        spans.n_seconds,
        least(spans.n_seconds, 100) as n_bins
    from spans
    cross join unnest(generate_series(1, least(spans.n_seconds, 100))) as numbers(bin)
),

-- one row per bin, with the seconds from the first event to its start and end
bins as (
    select
        numbered_bins.bin,
        numbered_bins.first_at,
        ((numbered_bins.bin - 1) * numbered_bins.n_seconds + numbered_bins.n_bins - 1)
        // numbered_bins.n_bins as seconds_before,
        (numbered_bins.bin * numbered_bins.n_seconds + numbered_bins.n_bins - 1)
        // numbered_bins.n_bins as seconds_up_to
    from numbered_bins
),

-- one row per bin with events in it
filled_bins as (
    select
        least(spans.n_seconds, 100)
        * (
            cast(epoch(date_trunc('second', events.occurred_at)) as bigint) - spans.first_second
        )
        // spans.n_seconds
        + 1 as bin,
        count(*) as n_events
    from core.events
    cross join spans
    where events.occurred_at between spans.bulk_first_at and spans.bulk_last_at
    group by
        least(spans.n_seconds, 100)
        * (
            cast(epoch(date_trunc('second', events.occurred_at)) as bigint) - spans.first_second
        )
        // spans.n_seconds
        + 1
)

select
    -- 1 to 100, the first in time is 1
    bins.bin,
    -- first second of the bin, UTC
    bins.first_at
    + interval 1 day * (bins.seconds_before // 86400)
    + interval 1 second * (bins.seconds_before % 86400) as bin_start,
    -- first second after the bin, UTC
    bins.first_at
    + interval 1 day * (bins.seconds_up_to // 86400)
    + interval 1 second * (bins.seconds_up_to % 86400) as bin_end,
    coalesce(filled_bins.n_events, 0) as n_events
from bins
left join filled_bins
    on bins.bin = filled_bins.bin
