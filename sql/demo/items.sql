-- The names of the demo's artists.
-- grain:  item_id

select
    artists.item_id,
    artists.item_name
from demo.artists
order by artists.item_id
