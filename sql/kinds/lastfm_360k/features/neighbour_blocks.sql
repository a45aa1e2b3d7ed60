-- Ranges of users whose neighbours are found together, $users_per_block users each.
-- grain:  first_user_idx
-- why:    a build that is killed keeps the blocks it finished. The size is a parameter and never
--         follows the machine's memory, so that the parts are the same everywhere.
-- check:  first_user_idx <= last_user_idx

select
    -- the block's users, in the order of user_idx
    min(users.user_idx) as first_user_idx,
    max(users.user_idx) as last_user_idx
from core.users
group by users.user_idx // $users_per_block
