-- The entities that are items in this build, with whether each passes the two mention filters.
-- grain:  item_id
-- why:    the one home of both filters: staging.items and staging.events judge by these flags.
-- as:     view

select
    entities.entity_id as item_id,
    entities.entity_name as item_name,
    entities.n_mentions,
    -- among the top_entities most mentioned, or no such limit
    $top_entities = 0 or entities.mention_rank <= $top_entities as is_top_entity,
    -- more than min_mentions mentions
    entities.n_mentions > $min_mentions as is_mentioned_enough
from staging.entities
where entities.entity_type = $item_entity
