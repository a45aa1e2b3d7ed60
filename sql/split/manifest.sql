-- What the split did, in one row, and the audit that it leaks nothing.
-- grain:  split
-- why:    with a time split a pair may stand on both sides, people listen again: counted, no leak.
-- check:  n_train_events + n_test_events = n_events
-- check:  split <> 'none' or n_test_events = 0
-- check:  split <> 'random' or n_repeated_pairs = 0
--         -- a pair stands in train and test: the split must draw the pair
-- check:  split <> 'time' or train_last_at is null or train_last_at < cut_at
--         -- a train event lies at or after the cut
-- check:  split <> 'time' or test_first_at is null or test_first_at >= cut_at
--         -- a test event lies before the cut
-- check (warn):  n_train_events > 0 -- train is empty: every list will be empty too
-- check (warn):  split = 'none' or n_test_events > 0 -- test is empty: nothing can be judged

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

-- one row per user and item of test
test_pairs as (
    select
        test.user_id,
        test.item_id,
        count(*) as n_events,
        min(test.occurred_at) as first_at,
        max(test.occurred_at) as last_at
    from split.test
    group by test.user_id, test.item_id
),

-- one row: the train side
train_side as (
    select
        coalesce(cast(sum(train_pairs.n_events) as bigint), 0) as n_events,
        count(*) as n_pairs,
        min(train_pairs.first_at) as first_at,
        max(train_pairs.last_at) as last_at
    from train_pairs
),

-- one row: the test side
test_side as (
    select
        coalesce(cast(sum(test_pairs.n_events) as bigint), 0) as n_events,
        count(*) as n_pairs,
        min(test_pairs.first_at) as first_at,
        max(test_pairs.last_at) as last_at
    from test_pairs
),

-- one row: pairs on both sides
repeated_pairs as (
    select count(*) as n_pairs
    from test_pairs
    inner join train_pairs
        on test_pairs.user_id = train_pairs.user_id and test_pairs.item_id = train_pairs.item_id
),

-- one row per user of train
train_users as (
    select distinct train_pairs.user_id
    from train_pairs
),

-- one row per item of train
train_items as (
    select distinct train_pairs.item_id
    from train_pairs
),

-- one row: test users that train has never seen
new_users as (
    select count(distinct test_pairs.user_id) as n_users
    from test_pairs
    left join train_users
        on test_pairs.user_id = train_users.user_id
    where train_users.user_id is null
),

-- one row: test items that train has never seen
new_items as (
    select count(distinct test_pairs.item_id) as n_items
    from test_pairs
    left join train_items
        on test_pairs.item_id = train_items.item_id
    where train_items.item_id is null
),

-- one row: what there was to divide
all_events as (
    select count(*) as n_events
    from split.events
)

select
    -- how the split was made: none, random or time
    cut.split,
    -- events from this moment on are test, UTC; null unless the split is by time
    cut.cut_at,
    -- events that were divided
    all_events.n_events,
    train_side.n_events as n_train_events,
    test_side.n_events as n_test_events,
    -- distinct users and items of train
    train_side.n_pairs as n_train_pairs,
    -- distinct users and items of test
    test_side.n_pairs as n_test_pairs,
    -- pairs in train and in test
    repeated_pairs.n_pairs as n_repeated_pairs,
    -- users in test and not in train
    new_users.n_users as n_users_not_in_train,
    -- items in test and not in train
    new_items.n_items as n_items_not_in_train,
    -- time span of train, UTC
    train_side.first_at as train_first_at,
    train_side.last_at as train_last_at,
    -- time span of test, UTC
    test_side.first_at as test_first_at,
    test_side.last_at as test_last_at
from split.cut
cross join all_events
cross join train_side
cross join test_side
cross join repeated_pairs
cross join new_users
cross join new_items
