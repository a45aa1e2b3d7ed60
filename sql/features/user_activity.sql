-- How active each user of train is.
-- grain:  user_id
-- why:    pairs are counted already in features.user_items; days are grouped before they are
--         counted, since distinct days of each user cost three times as much.
-- check:  n_items between 1 and n_events and n_active_days <= n_events

with
-- one row per user of train
counted_users as (
    select
        user_items.user_idx,
        cast(sum(user_items.n_events) as bigint) as n_events,
        count(*) as n_items
    from features.user_items
    where not user_items.is_fold_in
    group by user_items.user_idx
),

-- one row per user and day with events
active_days as (
    select
        train.user_id,
        cast(train.occurred_at as date) as active_date,
        min(train.occurred_at) as first_at,
        max(train.occurred_at) as last_at
    from split.train
    where train.occurred_at is not null
    group by train.user_id, cast(train.occurred_at as date)
),

-- one row per user with timed events
timed_users as (
    select
        active_days.user_id,
        count(*) as n_active_days,
        min(active_days.first_at) as first_at,
        max(active_days.last_at) as last_at
    from active_days
    group by active_days.user_id
)

select
    users.user_id,
    -- train events of the user
    counted_users.n_events,
    -- distinct items met
    counted_users.n_items,
    -- distinct UTC days with an event; 0 where no event has a time
    coalesce(timed_users.n_active_days, 0) as n_active_days,
    -- first train event, UTC; null where none has a time
    timed_users.first_at,
    -- last train event, UTC
    timed_users.last_at
from counted_users
inner join core.users
    on counted_users.user_idx = users.user_idx
left join timed_users
    on users.user_id = timed_users.user_id
