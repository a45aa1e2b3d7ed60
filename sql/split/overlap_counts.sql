-- What stands on several sides of the split, and what on one alone; one row.
-- grain:  split
-- why:    whether an overlap is a leak depends on the split: split.manifest judges.

with
-- one row per user and item
placed_pairs as (
    select
        events.user_id,
        events.item_id,
        bool_or(events.side = 'test') as is_test,
        bool_or(events.side <> 'test') as is_known
    from split.events
    group by events.user_id, events.item_id
),

-- one row: pairs of test that stand in train or fold_in too
repeated_pairs as (
    select count(*) as n_pairs
    from placed_pairs
    where placed_pairs.is_test and placed_pairs.is_known
),

-- one row, where last_n asks for it: pairs of test alone or of split.last_items alone
misplaced_pairs as (
    select count(*) as n_pairs
    from placed_pairs
    full join split.last_items
        on placed_pairs.user_id = last_items.user_id and placed_pairs.item_id = last_items.item_id
    where
        $split = 'last_n'
        and coalesce(placed_pairs.is_test, false) <> (last_items.user_id is not null)
),

-- one row per user
placed_users as (
    select
        events.user_id,
        bool_or(events.side = 'train') as is_learned,
        bool_or(events.side <> 'train') as is_judged
    from split.events
    group by events.user_id
),

-- one row: users by the sides they stand on
counted_users as (
    select
        count(*) filter (where not placed_users.is_learned) as n_unlearned,
        count(*) filter (where placed_users.is_learned and placed_users.is_judged) as n_both,
        count(*) filter (where not placed_users.is_judged) as n_whole
    from placed_users
),

-- one row per item
placed_items as (
    select
        events.item_id,
        bool_or(events.side = 'train') as is_learned,
        bool_or(events.side = 'test') as is_test
    from split.events
    group by events.item_id
),

-- one row: items of test that train has never seen
unlearned_items as (
    select count(*) as n_items
    from placed_items
    where placed_items.is_test and not placed_items.is_learned
)

select
    -- how the split was made: none, random, time, last_n or new_users
    cut.split,
    -- pairs of test that stand in train or fold_in too
    repeated_pairs.n_pairs as n_repeated_pairs,
    -- users in test or fold_in and not in train
    counted_users.n_unlearned as n_users_not_in_train,
    -- users in train, and in test or fold_in too
    counted_users.n_both as n_users_on_both_sides,
    -- users in train alone
    counted_users.n_whole as n_users_in_train_alone,
    -- with last_n, pairs of test that are not of split.last_items, and the other way round; else
    -- null
    case when cut.split = 'last_n' then misplaced_pairs.n_pairs end as n_misplaced_pairs,
    -- items in test and not in train
    unlearned_items.n_items as n_items_not_in_train
from split.cut
cross join repeated_pairs
cross join misplaced_pairs
cross join counted_users
cross join unlearned_items
