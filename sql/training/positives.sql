-- The positive examples: pairs of train, all of them or those of baskets of the right size.
-- grain:    user_idx, item_idx
-- why:      without negatives training.matrix says the same.
-- only if:  negative_ratio
-- as:       view

select
    met_pairs.user_idx,
    met_pairs.item_idx,
    -- sum of the train events' weights
    met_pairs.weight
from training.met_pairs
where $training_basket_max = 0
union all
select
    met_pairs.user_idx,
    met_pairs.item_idx,
    met_pairs.weight
from training.met_pairs
inner join training.basket_pairs
    on met_pairs.user_idx = basket_pairs.user_idx
    and met_pairs.item_idx = basket_pairs.item_idx
where $training_basket_max > 0
