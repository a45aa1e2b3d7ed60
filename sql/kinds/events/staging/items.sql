-- The items of the catalogue file, and those that only the events know.
-- grain:  none
-- why:    an event of an item that the catalogue lacks is kept, without a name; core.items judges
--         repeated ids of the file.

select
    items.item_id,
    items.item_name
from files.items
union all
select
    events.item_id,
    cast(null as varchar) as item_name
from staging.events
left join files.items
    on events.item_id = items.item_id
where items.item_id is null and events.item_id is not null
group by events.item_id
