-- Which item carries which tag, as the files say, under the item ids that count.
-- grain:    none
-- why:      core.item_tags judges links to what the catalogue lacks, and repeats.
-- gate of:  files.item_tags

select
    coalesce(item_aliases.item_id, item_tags.item_id) as item_id,
    item_tags.tag_type,
    item_tags.tag_id,
    item_tags.bad_value as rejected_value,
    case
        when item_tags.bad_line then 'bad_line'
        when item_tags.bad_item_id then 'bad_item_id'
        when item_tags.bad_tag_id then 'bad_tag_id'
    end as reject_reason
from files.item_tags
left join staging.item_aliases
    on item_tags.item_id = item_aliases.bad_id
