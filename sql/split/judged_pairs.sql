-- What the lists are judged by: the test items of each user that is known, each once.
-- grain:    user_id, item_id
-- why:      nobody can be shown a list who is not known from train or fold_in: such users are
--           counted here and left out. Test items that train lacks stay, unless
--           drop_unseen_test_items: no model can find them, and without them every figure looks
--           better than it is. A pair that stands in train too stays: people listen again.
-- gate of:  split.test

with
-- one row per user that lists are made for
known_users as (
    select distinct history.user_id
    from split.history
),

-- one row per item of train
train_items as (
    select distinct train.item_id
    from split.train
)

select
    test.user_id,
    test.item_id,
    case
        when $drop_unseen_test_items and train_items.item_id is null then 'item_not_in_train'
        when known_users.user_id is null then 'user_not_in_train'
        when row_number() over (
            partition by test.user_id, test.item_id
            order by test.item_id
        ) > 1 then 'repeat_of_pair'
    end as reject_reason
from split.test
left join known_users
    on test.user_id = known_users.user_id
left join train_items
    on test.item_id = train_items.item_id
