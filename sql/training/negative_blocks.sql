-- Ranges of users whose negatives are drawn together, about $pairs_per_block draws each.
-- grain:  first_user_idx
-- why:    draws bound a block's memory. The size is a parameter and never follows the machine's
--         memory; it changes no draw.
-- check:  first_user_idx <= last_user_idx

with
-- one row per user who draws, with the draws of the users before it
running_draws as (
    select
        negative_keys.user_idx,
        negative_keys.n_draws,
        cast(sum(negative_keys.n_draws) over (order by negative_keys.user_idx) as bigint)
        - negative_keys.n_draws as n_before
    from training.negative_keys
)

select
    -- the block's users, in the order of user_idx
    min(running_draws.user_idx) as first_user_idx,
    max(running_draws.user_idx) as last_user_idx,
    cast(sum(running_draws.n_draws) as bigint) as n_draws
from running_draws
group by running_draws.n_before // $pairs_per_block
