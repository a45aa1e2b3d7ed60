-- The entities mentioned often enough to be items.
-- grain:    item_id
-- gate of:  staging.mentioned_items
-- harmless: entity_below_top, entity_below_mentions

select
    mentioned_items.item_id,
    mentioned_items.item_name,
    case
        when not mentioned_items.is_top_entity then 'entity_below_top'
        when not mentioned_items.is_mentioned_enough then 'entity_below_mentions'
    end as reject_reason
from staging.mentioned_items
