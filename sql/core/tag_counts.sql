-- How many items carry each tag, and how often those were met, over all events.
-- grain:  tag_type, tag_id
-- why:    for people, not for models: it counts test rows too. Tags that no item carries are here
--         with 0.

with
-- one row per tag that some item carries
carried_tags as (
    select
        item_tags.tag_type,
        item_tags.tag_id,
        count(*) as n_items,
        cast(sum(item_counts.n_events) as bigint) as n_events
    from core.item_tags
    inner join core.item_counts
        on item_tags.item_id = item_counts.item_id
    group by item_tags.tag_type, item_tags.tag_id
)

select
    tags.tag_type,
    tags.tag_id,
    tags.tag_name,
    -- items that carry the tag
    coalesce(carried_tags.n_items, 0) as n_items,
    -- events of those items
    coalesce(carried_tags.n_events, 0) as n_events
from core.tags
left join carried_tags
    on tags.tag_type = carried_tags.tag_type and tags.tag_id = carried_tags.tag_id
