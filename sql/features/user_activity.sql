-- How active each user of train is.
-- grain:  user_id
-- check:  n_items between 1 and n_events and n_active_days <= n_events

with
-- one row per user and item of train
train_pairs as (
    select
        train.user_id,
        train.item_id,
        count(*) as n_events,
        min(train.occurred_at) as first_at,
        max(train.occurred_at) as last_at
    from split.train
    group by train.user_id, train.item_id
),

-- one row per user of train
counted_users as (
    select
        train_pairs.user_id,
        cast(sum(train_pairs.n_events) as bigint) as n_events,
        count(*) as n_items,
        min(train_pairs.first_at) as first_at,
        max(train_pairs.last_at) as last_at
    from train_pairs
    group by train_pairs.user_id
),

-- one row per user with timed events
active_days as (
    select
        train.user_id,
        count(distinct cast(train.occurred_at as date)) as n_active_days
    from split.train
    where train.occurred_at is not null
    group by train.user_id
)

select
    counted_users.user_id,
    -- train events of the user
    counted_users.n_events,
    -- distinct items met
    counted_users.n_items,
    -- distinct UTC days with an event; 0 where no event has a time
    coalesce(active_days.n_active_days, 0) as n_active_days,
    -- first train event, UTC; null where none has a time
    counted_users.first_at,
    -- last train event, UTC
    counted_users.last_at
from counted_users
left join active_days
    on counted_users.user_id = active_days.user_id
