-- The users of the kept interactions; the source says nothing else of them.
-- grain:  user_id

select
    events.user_id,
    cast(null as varchar) as user_name
from staging.events
group by events.user_id
