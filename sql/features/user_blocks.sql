-- Ranges of users whose candidates item_knn adds up together, about $pairs_per_block each.
-- grain:  first_user_idx
-- why:    each met item brings its similar_k neighbours; that bounds a block's memory. The size is
--         a parameter and never follows the machine's memory.
-- check:  first_user_idx <= last_user_idx

with
-- one row per known user
user_loads as (
    select
        user_items.user_idx,
        count(*) * $similar_k as n_candidates
    from features.user_items
    group by user_items.user_idx
),

-- one row per user, with the candidates of the users before it
running_loads as (
    select
        user_loads.user_idx,
        user_loads.n_candidates,
        cast(sum(user_loads.n_candidates) over (order by user_loads.user_idx) as bigint)
        - user_loads.n_candidates as n_before
    from user_loads
)

select
    -- the block's users, in the order of user_idx
    min(running_loads.user_idx) as first_user_idx,
    max(running_loads.user_idx) as last_user_idx,
    -- an upper bound of the rows that are added up
    cast(sum(running_loads.n_candidates) as bigint) as n_candidates
from running_loads
group by running_loads.n_before // $pairs_per_block
