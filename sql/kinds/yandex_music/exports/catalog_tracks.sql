-- The tracks that the catalog names, with their events; unused ones have 0.
-- file:  catalog_tracks.parquet

select
    catalog_tracks.item_id as id,
    catalog_tracks.item_name as name,
    catalog_tracks.n_events as count
from core.catalog_tracks
order by catalog_tracks.item_id
