-- The examples to train on: pairs that met, rated 1, and negatives, rated 0.
-- grain:    user_id, item_id
-- why:      where no negatives are asked for, training.matrix says the same.
-- check:    rating in (0, 1) and n_draws >= 1
-- only if:  negative_ratio
-- as:       view

select
    users.user_id,
    items.item_id,
    -- 1 where they met, 0 for negatives
    cast(1 as integer) as rating,
    -- sum of the train events' weights; null for negatives
    positives.weight,
    -- how often the example counts: 1, or more for negatives with negative_repeats
    cast(1 as bigint) as n_draws
from training.positives
inner join core.users
    on positives.user_idx = users.user_idx
inner join core.items
    on positives.item_idx = items.item_idx
union all
select
    negatives.user_id,
    negatives.item_id,
    cast(0 as integer) as rating,
    cast(null as decimal(28, 6)) as weight,
    negatives.n_draws
from training.negatives
