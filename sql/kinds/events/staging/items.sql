-- The items of the catalogue files, and those that only the events know.
-- grain:  none
-- why:    an event of an item that the catalogue lacks is kept, without a name; core.items judges
--         repeated ids of the files.

select
    catalog_items.item_id,
    catalog_items.item_name
from staging.catalog_items
union all
select
    events.item_id,
    cast(null as varchar) as item_name
from staging.events
left join staging.catalog_items
    on events.item_id = catalog_items.item_id
where catalog_items.item_id is null and events.item_id is not null
group by events.item_id
