-- The matrix that models are trained on: users by items, user by user.
-- grain:  user_idx, item_idx
-- why:    met pairs of train only: implicit feedback says nothing of the others. alpha is the
--         model's own.
-- as:     view

select
    weighted_items.user_idx,
    weighted_items.item_idx,
    -- strength of the pair, by weighting
    weighted_items.weight
from training.weighted_items
where not weighted_items.is_fold_in
