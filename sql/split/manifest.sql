-- What the split did, in one row, and the audit that it leaks nothing.
-- grain:  split
-- why:    with a time split a pair may stand on both sides, people listen again: counted, no leak.
-- check:  n_train_events + n_fold_in_events + n_test_events = n_events
--         -- an event stands on none of the sides; use train, fold_in or test
-- check:  split <> 'none' or n_train_events = n_events
--         -- there are rows to judge by; with split = none all of them are train
-- check:  split in ('none', 'time') or n_repeated_pairs = 0
--         -- a pair stands in test and in train or fold_in; place the pair, not the event
-- check:  split <> 'time' or n_untimed_events = 0
--         -- an event without a time stands in train or test; reject it, a cut can't place it
-- check:  split <> 'time' or train_last_at is null or train_last_at < cut_at
--         -- a train event lies at or after the cut; train is what lies before split.cut
-- check:  split <> 'time' or test_first_at is null or test_first_at >= cut_at
--         -- a test event lies before the cut; test is what lies at or after split.cut
-- check:  end_at is null or test_last_at is null or test_last_at < end_at
--         -- a test event lies at or after the end of the fold; reject what comes later
-- check:  split <> 'last_n' or n_misplaced_pairs = 0
--         -- test is not what users met last; test are the pairs of split.last_items and no others
-- check:  split <> 'new_users' or n_learned_new_users = 0
--         -- a new user stands in train; new users are known from fold_in alone
-- check:  split = 'new_users' or n_fold_in_events = 0
--         -- there is fold_in without new users; only split = new_users has any
-- check (warn):  n_train_events > 0 -- train is empty; every list will be empty too
-- check (warn):  split = 'none' or n_test_events > 0 -- test is empty; nothing can be judged
-- check (warn):  n_test_events = 0 or n_judged_pairs > 0
--         -- nothing of test can be judged; split.judged_pairs_rejected says why
-- check (warn):  split <> 'last_n' or n_ties_at_cut = 0
--         -- at the cut of some users items tie, and their ids alone decided; n_ties_at_cut counts
-- check (note):  split <> 'none'
--         -- nothing is held out, so no model is judged: build with --set split=time, or with --set
--         split=random where events have no times

with
-- one row: what there was to divide
all_events as (
    select
        count(*) as n_events,
        count(*) - count(events.occurred_at) as n_untimed_events
    from split.events
),

-- one row: what judges the lists
all_judged as (
    select count(*) as n_pairs
    from split.judged_pairs
),

-- one row: what stands at the very moment of the cut
cut_ties as (
    select count(*) as n_events
    from split.test
    cross join split.cut
    where test.occurred_at = cut.cut_at
),

-- one row: users whose cut the ids alone decided
tied_users as (
    select count(distinct last_items.user_id) as n_users
    from split.last_items
    where last_items.is_tied
)

select
    -- how the split was made: none, random, time, last_n or new_users
    cut.split,
    -- events from this moment on are test, UTC; null unless the split is by time
    cut.cut_at,
    -- events from this moment on are left out, UTC; null unless there are several folds
    cut.end_at,
    -- events that were divided
    all_events.n_events,
    -- those of them without a time
    all_events.n_untimed_events,
    train_side.n_events as n_train_events,
    -- events of new users that are known when their lists are made
    fold_in_side.n_events as n_fold_in_events,
    test_side.n_events as n_test_events,
    -- distinct users and items of train
    train_side.n_pairs as n_train_pairs,
    -- distinct users and items of fold_in
    fold_in_side.n_pairs as n_fold_in_pairs,
    -- distinct users and items of test
    test_side.n_pairs as n_test_pairs,
    -- pairs of test that judge the lists: split.judged_pairs
    all_judged.n_pairs as n_judged_pairs,
    -- pairs of test that stand in train or fold_in too
    overlap_counts.n_repeated_pairs,
    -- users in test or fold_in and not in train
    overlap_counts.n_users_not_in_train,
    -- items in test and not in train
    overlap_counts.n_items_not_in_train,
    -- with last_n, pairs of test that no user met last, and pairs met last that are not test: none
    -- may be; else null
    overlap_counts.n_misplaced_pairs,
    -- with new_users, those that stand in train all the same: none may; else null
    case when cut.split = 'new_users' then overlap_counts.n_users_on_both_sides end
        as n_learned_new_users,
    -- by time: test events at the very moment of the cut; last_n: users whose cut lies between
    -- items of one moment and position; else 0
    case cut.split
        when 'time' then cut_ties.n_events
        when 'last_n' then tied_users.n_users
        else 0
    end as n_ties_at_cut,
    -- with last_n, users with so few items that they stay whole in train; else null
    case when cut.split = 'last_n' then overlap_counts.n_users_in_train_alone end as n_whole_users,
    -- time span of train, UTC
    train_side.first_at as train_first_at,
    train_side.last_at as train_last_at,
    -- time span of test, UTC
    test_side.first_at as test_first_at,
    test_side.last_at as test_last_at
from split.cut
cross join all_events
cross join all_judged
cross join split.overlap_counts
cross join cut_ties
cross join tied_users
inner join split.sides as train_side
    on train_side.side = 'train'
inner join split.sides as fold_in_side
    on fold_in_side.side = 'fold_in'
inner join split.sides as test_side
    on test_side.side = 'test'
