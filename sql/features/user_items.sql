-- Each user and item known to have met, once, with dense ids, user by user.
-- grain:  user_idx, item_idx
-- why:    sorted, so that a sparse matrix is filled as the rows come. Pairs of fold_in are here for
--         the lists of new users; models are fitted on the others alone.
-- check:  n_events >= 1 and weight >= 0

select
    users.user_idx,
    items.item_idx,
    -- events of the pair
    count(*) as n_events,
    -- sum of the events' weights
    cast(sum(history.weight) as decimal(28, 6)) as weight,
    -- true where a new user's pair is known but never learned from
    bool_or(history.is_fold_in) as is_fold_in
from split.history
inner join core.users
    on history.user_id = users.user_id
inner join core.items
    on history.item_id = items.item_id
group by users.user_idx, items.item_idx
order by users.user_idx, items.item_idx
