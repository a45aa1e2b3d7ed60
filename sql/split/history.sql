-- What is known of users when lists are made: train, and of new users what is told then.
-- grain:  none
-- why:    lists are made for these users and leave out what they have met; features are counted and
--         models are fitted on train alone. The same as train unless split = new_users.
-- as:     view

select
    events.user_id,
    events.item_id,
    events.weight,
    events.occurred_at,
    events.basket_id,
    events.position,
    -- true where nothing is learned from it
    events.side = 'fold_in' as is_fold_in
from split.events
where events.side <> 'test'
