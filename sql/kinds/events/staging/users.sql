-- The users of the user file, and those that only the events know.
-- grain:  none
-- why:    an event of a user that the user file lacks is kept, without a name; core.users judges
--         repeated ids of the file.

select
    catalog_users.user_id,
    catalog_users.user_name
from staging.catalog_users
union all
select
    events.user_id,
    cast(null as varchar) as user_name
from staging.events
left join staging.catalog_users
    on events.user_id = catalog_users.user_id
where catalog_users.user_id is null and events.user_id is not null
group by events.user_id
