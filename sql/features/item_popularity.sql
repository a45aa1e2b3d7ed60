-- How popular each item of train is, ranked, and whether it rises.
-- grain:  item_id
-- why:    ties go to the smaller item_id, so that the rank is the same on every machine. Age is
--         counted in whole days before the last day of train (split.train_end), never before today;
--         events after it, of a broken clock, have age 0. What is left after decay is added in
--         fixed point, unit 1e-9; an event without a time has decayed to nothing.
-- check:  rank >= 1 and n_users <= n_events and score >= 0 and (trend is null or trend > 0)

with
-- one row: the last day of train; null where no event has a time
last_days as (
    select max(cast(train_end.end_at as date)) as last_date
    from split.train_end
),

-- one row per user and item of train
train_pairs as (
    select
        train.user_id,
        train.item_id,
        count(*) as n_events,
        -- of use where users decay, and paid for there alone
        max(case when $popularity_half_life_days > 0 then cast(train.occurred_at as date) end)
            as last_date
    from split.train
    group by train.user_id, train.item_id
),

-- one row per item of train
counted_items as (
    select
        train_pairs.item_id,
        cast(sum(train_pairs.n_events) as bigint) as n_events,
        count(*) as n_users,
        -- of each user, what is left of the latest event
        cast(
            sum(
                cast(
                    round(
                        1e9 * pow(
                            0.5e0,
                            case
                                when train_pairs.last_date > last_days.last_date then 0
                                else last_days.last_date - train_pairs.last_date
                            end
                            / nullif($popularity_half_life_days, 0)
                        )
                    ) as bigint
                )
            ) as bigint
        ) as n_user_units
    from train_pairs
    cross join last_days
    group by train_pairs.item_id
),

-- one row per item and age of its events
aged_counts as (
    select
        train.item_id,
        cast(greatest(last_days.last_date - cast(train.occurred_at as date), 0) as bigint)
            as age_days,
        count(*) as n_events
    from split.train
    cross join last_days
    where train.occurred_at is not null
    group by
        train.item_id,
        cast(greatest(last_days.last_date - cast(train.occurred_at as date), 0) as bigint)
),

-- one row per item with timed events
aged_items as (
    select
        aged_counts.item_id,
        cast(
            sum(
                aged_counts.n_events * cast(
                    round(
                        1e9 * pow(
                            0.5e0, aged_counts.age_days / nullif($popularity_half_life_days, 0)
                        )
                    ) as bigint
                )
            ) as bigint
        ) as n_event_units,
        cast(
            sum(case when aged_counts.age_days < $trend_window_days then aged_counts.n_events end)
            as bigint
        ) as n_recent,
        cast(
            sum(
                case
                    when
                        aged_counts.age_days >= $trend_window_days
                        and aged_counts.age_days < 2 * $trend_window_days
                        then aged_counts.n_events
                end
            ) as bigint
        ) as n_before
    from aged_counts
    group by aged_counts.item_id
),

-- one row per item of train, with what ranks it, and its last two windows
scored_items as (
    select
        counted_items.item_id,
        counted_items.n_events,
        counted_items.n_users,
        case
            when $popularity_half_life_days > 0 and $popular_by = 'users'
                then coalesce(counted_items.n_user_units, 0) / 1e9
            when $popularity_half_life_days > 0 then coalesce(aged_items.n_event_units, 0) / 1e9
            when $popular_by = 'users' then cast(counted_items.n_users as double)
            else cast(counted_items.n_events as double)
        end as score,
        case when last_days.last_date is not null then coalesce(aged_items.n_recent, 0) end
            as n_recent,
        case when last_days.last_date is not null then coalesce(aged_items.n_before, 0) end
            as n_before
    from counted_items
    cross join last_days
    left join aged_items
        on counted_items.item_id = aged_items.item_id
)

select
    scored_items.item_id,
    -- train events of the item
    scored_items.n_events,
    -- distinct train users of the item
    scored_items.n_users,
    -- what ranks it: events or users, by popular_by, decayed by popularity_half_life_days; bigger
    -- is more popular
    scored_items.score,
    -- 1 is the most popular
    cast(
        row_number() over (order by scored_items.score desc, scored_items.item_id) as bigint
    ) as rank,
    -- events in the last trend_window_days of train, and after its end; null where no event has a
    -- time
    scored_items.n_recent,
    -- events in the window before that
    scored_items.n_before,
    -- (n_recent + 1) / (n_before + 1): above 1 the item rises; where train is shorter than both
    -- windows, all do
    (scored_items.n_recent + 1) / cast(scored_items.n_before + 1 as double) as trend
from scored_items
