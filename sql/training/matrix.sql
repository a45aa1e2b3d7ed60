-- The matrix that models are trained on: users by items, user by user.
-- grain:  user_idx, item_idx
-- why:    met pairs only: implicit feedback says nothing of the others. alpha is the model's own.
-- as:     view

select
    user_items.user_idx,
    user_items.item_idx,
    -- strength of the pair, by weighting
    case
        when $weighting = 'raw' then cast(user_items.weight as float)
        else cast(1 as float)
    end as weight
from features.user_items
