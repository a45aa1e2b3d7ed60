-- How each user's plays in train are spread over artists.
-- grain:  user_idx, item_idx
-- why:    raw plays, which weighting does not touch; several rows of a pair add up. Sorted, so that
--         a sparse matrix is filled as the rows come.
-- check:  play_share > 0 and play_share <= 1

with
-- one row per user and artist
summed_plays as (
    select
        users.user_idx,
        items.item_idx,
        cast(sum(train.weight) as bigint) as n_plays
    from split.train
    inner join core.users
        on train.user_id = users.user_id
    inner join core.items
        on train.item_id = items.item_id
    group by users.user_idx, items.item_idx
),

-- one row per user
user_totals as (
    select
        summed_plays.user_idx,
        cast(sum(summed_plays.n_plays) as bigint) as n_plays
    from summed_plays
    group by summed_plays.user_idx
)

select
    summed_plays.user_idx,
    summed_plays.item_idx,
    summed_plays.n_plays,
    -- of the user's plays, 0 to 1
    cast(summed_plays.n_plays as double) / cast(user_totals.n_plays as double) as play_share
from summed_plays
inner join user_totals
    on summed_plays.user_idx = user_totals.user_idx
order by summed_plays.user_idx, summed_plays.item_idx
