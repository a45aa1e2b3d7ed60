-- Which item carries which tag, each link once.
-- grain:    item_id, tag_type, tag_id
-- why:      a link to an item or a tag that the catalogue lacks is rejected here and counted, so
--           that joins on these keys lose nothing later.
-- gate of:  staging.item_tags
-- harmless: duplicate_item_tag

select
    item_tags.item_id,
    item_tags.tag_type,
    item_tags.tag_id,
    case
        when items.item_id is null then 'item_not_in_catalog'
        when tags.tag_id is null then 'tag_not_in_catalog'
        when row_number() over (
            partition by item_tags.item_id, item_tags.tag_type, item_tags.tag_id
            order by item_tags.item_id
        ) > 1 then 'duplicate_item_tag'
    end as reject_reason
from staging.item_tags
left join core.items
    on item_tags.item_id = items.item_id
left join core.tags
    on item_tags.tag_type = tags.tag_type and item_tags.tag_id = tags.tag_id
