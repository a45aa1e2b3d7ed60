-- Users by their number of events: a bin for each number up to 100, and two for the tail.
-- grain:  first_n_events
-- why:    for people, over all events. Empty bins are here with 0, so that every source has the
--         same 103. Bin 0 holds the users of the source who met nothing.
-- check:  n_users >= 0 and n_events >= n_users * first_n_events

with
-- one row per bin
bins as (
    select
        cast(numbers.n_events as bigint) as first_n_events,
        cast(numbers.n_events as bigint) as last_n_events
    from unnest(generate_series(0, 100)) as numbers(n_events)
    union all
    select cast(101 as bigint), cast(19999 as bigint)
    union all
    select cast(20000 as bigint), cast(null as bigint)
),

-- one row per bin with users in it
filled_bins as (
    select
        case
            when user_counts.n_events <= 100 then user_counts.n_events
            when user_counts.n_events < 20000 then 101
            else 20000
        end as first_n_events,
        count(*) as n_users,
        cast(sum(user_counts.n_events) as bigint) as n_events
    from core.user_counts
    group by
        case
            when user_counts.n_events <= 100 then user_counts.n_events
            when user_counts.n_events < 20000 then 101
            else 20000
        end
)

select
    -- fewest events of a user in the bin
    bins.first_n_events,
    -- most events of a user in the bin; null where there is no end
    bins.last_n_events,
    -- users in the bin
    coalesce(filled_bins.n_users, 0) as n_users,
    -- events of those users
    coalesce(filled_bins.n_events, 0) as n_events
from bins
left join filled_bins
    on bins.first_n_events = filled_bins.first_n_events
