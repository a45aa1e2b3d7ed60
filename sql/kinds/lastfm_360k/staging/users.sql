-- The listeners with a profile.
-- grain:  user_id
-- why:    a profile without plays is a user all the same: its neighbours have plays.

select
    profiles.user_id,
    cast(null as varchar) as user_name
from staging.profiles
