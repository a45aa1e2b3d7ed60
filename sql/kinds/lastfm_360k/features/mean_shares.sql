-- How the plays of all users in train are spread over artists: the taste of a user without plays.
-- grain:  item_idx
-- why:    the mean of the users' raw plays, divided by its sum: many plays weigh more than few.
-- check:  play_share > 0 and play_share <= 1

with
-- one row per artist
item_totals as (
    select
        play_shares.item_idx,
        cast(sum(play_shares.n_plays) as bigint) as n_plays
    from features.play_shares
    group by play_shares.item_idx
),

-- one row
all_plays as (
    select cast(sum(item_totals.n_plays) as bigint) as n_plays
    from item_totals
)

select
    item_totals.item_idx,
    -- of all plays, 0 to 1
    cast(item_totals.n_plays as double) / cast(all_plays.n_plays as double) as play_share
from item_totals
cross join all_plays
order by item_totals.item_idx
