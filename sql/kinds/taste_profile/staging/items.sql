-- The songs of the catalogue as items.
-- grain:  item_id
-- as:     view

select
    songs.song_id as item_id,
    songs.title as item_name
from staging.songs
