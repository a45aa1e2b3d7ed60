-- The kept tracks with the ids of their albums, artists and genres.
-- file:  items.parquet

select
    items.item_id,
    items.item_name,
    tracks.albums,
    tracks.artists,
    tracks.genres
from core.items
inner join staging.tracks
    on items.item_id = tracks.track_id
order by items.item_id
