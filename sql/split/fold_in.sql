-- What is known of new users when their lists are made, and never learned from.
-- grain:  none
-- why:    empty unless split = new_users.
-- as:     view

select
    events.user_id,
    events.item_id,
    events.weight,
    events.occurred_at,
    events.basket_id,
    events.position
from split.events
where events.side = 'fold_in'
