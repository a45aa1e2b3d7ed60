-- What kept tracks name and the catalog lacks.
-- grain:         track_id, tag_type, tag_id
-- why:           of the types in reject_unknown_tags there is none: their tracks are rejected.
-- check (warn):  track_id is null -- a kept track names an id that the catalog lacks

select
    -- the track that names it
    item_tags.item_id as track_id,
    item_tags.tag_type,
    -- an id without a row of its type in the catalog
    item_tags.tag_id
from staging.item_tags
left join staging.catalog_names
    on item_tags.tag_type = catalog_names.type
    and item_tags.tag_id = catalog_names.id
where catalog_names.id is null
