-- Ranges of users whose candidates are weighed together, about $pairs_per_block each.
-- grain:  first_user_idx
-- why:    each such user weighs all items; that bounds a block's memory.
-- check:  first_user_idx <= last_user_idx

with
-- one row per user, with the items and draws of the users before it
running_loads as (
    select
        negative_shortfalls.user_idx,
        negative_totals.n_items + negative_shortfalls.n_missing as n_weighed,
        cast(
            sum(negative_totals.n_items + negative_shortfalls.n_missing) over (
                order by negative_shortfalls.user_idx
            ) as bigint
        ) - negative_totals.n_items - negative_shortfalls.n_missing as n_before
    from training.negative_shortfalls
    cross join training.negative_totals
)

select
    -- the block's users, in the order of user_idx
    min(running_loads.user_idx) as first_user_idx,
    max(running_loads.user_idx) as last_user_idx,
    cast(sum(running_loads.n_weighed) as bigint) as n_weighed
from running_loads
group by running_loads.n_before // $pairs_per_block
