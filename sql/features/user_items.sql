-- Each user and item that met in train, once, with dense ids, user by user.
-- grain:  user_idx, item_idx
-- why:    sorted, so that a sparse matrix is filled as the rows come.
-- check:  n_events >= 1 and weight >= 0

select
    users.user_idx,
    items.item_idx,
    -- train events of the pair
    count(*) as n_events,
    -- sum of the events' weights
    cast(sum(train.weight) as decimal(28, 6)) as weight
from split.train
inner join core.users
    on train.user_id = users.user_id
inner join core.items
    on train.item_id = items.item_id
group by users.user_idx, items.item_idx
order by users.user_idx, items.item_idx
