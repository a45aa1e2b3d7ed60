-- Artists and albums as tags of the items.
-- grain:  tag_type, tag_id
-- why:    only what is wider than the item: an artist is a tag of a track, never the other way
--         round.

select
    entities.entity_type as tag_type,
    entities.entity_id as tag_id,
    entities.entity_name as tag_name
from staging.entities
where
    (entities.entity_type = 'artist' and $item_entity in ('track', 'album'))
    or (entities.entity_type = 'album' and $item_entity = 'track')
