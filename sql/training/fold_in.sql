-- What new users are folded in from: their known pairs, weighted as train's are, user by user.
-- grain:  user_idx, item_idx
-- why:    a fitted model places a new user by these; nothing is fitted on them.
-- as:     view

select
    weighted_items.user_idx,
    weighted_items.item_idx,
    -- strength of the pair, by weighting
    weighted_items.weight
from training.weighted_items
where weighted_items.is_fold_in
