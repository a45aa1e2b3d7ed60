-- The genre of each of the demo's artists.
-- grain:  item_id, tag_type, tag_id

select
    artists.item_id,
    'genre' as tag_type,
    artists.genre_id as tag_id
from demo.artists
