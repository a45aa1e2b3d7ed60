-- The genre of each of the demo's artists.
-- grain:  item_id, tag_type, tag_id

select
    items.item_id,
    'genre' as tag_type,
    items.genre_id as tag_id
from demo.items
