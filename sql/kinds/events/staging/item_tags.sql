-- Which item carries which tag, as the files say.
-- grain:  none
-- why:    core.item_tags judges links to what the catalogue lacks, and repeats.

select
    item_tags.item_id,
    item_tags.tag_type,
    item_tags.tag_id
from files.item_tags
