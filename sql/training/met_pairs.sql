-- Each user and item that met in train, once: what examples call positive, and never negative.
-- grain:    user_idx, item_idx
-- why:      what is told of new users (fold_in) is no example of either side.
-- only if:  negative_ratio
-- as:       view

select
    user_items.user_idx,
    user_items.item_idx,
    -- sum of the train events' weights
    user_items.weight
from features.user_items
where not user_items.is_fold_in
