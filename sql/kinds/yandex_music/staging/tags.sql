-- The albums, artists and genres of the catalog.
-- grain:  tag_type, tag_id

select
    catalog_names.type as tag_type,
    catalog_names.id as tag_id,
    catalog_names.name as tag_name
from staging.catalog_names
where catalog_names.type <> 'track'
