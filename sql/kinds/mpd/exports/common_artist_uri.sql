-- The artists that are items, with how often the playlists name them.
-- file:  common_artist_uri.csv
-- why:   mentions are track rows of all playlists, short ones too, as the top list is made of them;
--        without lines where items are no artists.

select
    items.item_id as artist_uri,
    entities.n_mentions as count
from core.items
inner join staging.entities
    on items.item_id = entities.entity_id
where entities.entity_type = 'artist'
order by entities.n_mentions desc, items.item_id
