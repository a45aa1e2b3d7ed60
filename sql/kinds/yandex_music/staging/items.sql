-- The kept tracks, named by the catalog.
-- grain:  item_id
-- why:    a track that the catalog does not name is kept, without a name.

select
    tracks.track_id as item_id,
    catalog_names.name as item_name
from staging.tracks
left join staging.catalog_names
    on tracks.track_id = catalog_names.id
    and catalog_names.type = 'track'
