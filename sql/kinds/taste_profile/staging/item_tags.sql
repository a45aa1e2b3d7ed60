-- The artist of each song.
-- grain:  item_id, tag_type, tag_id

select
    songs.song_id as item_id,
    'artist' as tag_type,
    songs.artist as tag_id
from staging.songs
where songs.artist is not null
