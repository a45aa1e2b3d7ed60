-- The tags of the catalogue: genres, artists, whatever the files name.
-- grain:  none
-- why:    core.tags judges missing and repeated ids.

select
    tags.tag_type,
    tags.tag_id,
    tags.tag_name
from files.tags
