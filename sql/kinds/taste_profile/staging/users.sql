-- The users who played a song of the catalogue.
-- grain:  user_id
-- why:    the source has no names and no file of users.

select
    events.user_id,
    cast(null as varchar) as user_name
from staging.events
group by events.user_id
