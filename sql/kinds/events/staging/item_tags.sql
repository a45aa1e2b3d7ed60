-- Which item carries which tag, as the files say, under the item ids that count.
-- grain:  none
-- why:    core.item_tags judges links to what the catalogue lacks, and repeats.

select
    coalesce(item_aliases.item_id, item_tags.item_id) as item_id,
    item_tags.tag_type,
    item_tags.tag_id
from files.item_tags
left join staging.item_aliases
    on item_tags.item_id = item_aliases.bad_id
