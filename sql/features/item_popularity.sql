-- How popular each item of train is, ranked.
-- grain:  item_id
-- why:    ties go to the smaller item_id, so that the rank is the same on every machine.
-- check:  rank >= 1 and n_users <= n_events

with
-- one row per user and item of train
train_pairs as (
    select
        train.user_id,
        train.item_id,
        count(*) as n_events
    from split.train
    group by train.user_id, train.item_id
),

-- one row per item of train
counted_items as (
    select
        train_pairs.item_id,
        cast(sum(train_pairs.n_events) as bigint) as n_events,
        count(*) as n_users
    from train_pairs
    group by train_pairs.item_id
),

-- one row per item of train, with what ranks it
scored_items as (
    select
        counted_items.item_id,
        counted_items.n_events,
        counted_items.n_users,
        case
            when $popular_by = 'users' then counted_items.n_users
            else counted_items.n_events
        end as n_ranked
    from counted_items
)

select
    scored_items.item_id,
    -- train events of the item
    scored_items.n_events,
    -- distinct train users of the item
    scored_items.n_users,
    -- what ranks it: events or users, by popular_by; bigger is more popular
    cast(scored_items.n_ranked as double) as score,
    -- 1 is the most popular
    cast(
        row_number() over (order by scored_items.n_ranked desc, scored_items.item_id) as bigint
    ) as rank
from scored_items
