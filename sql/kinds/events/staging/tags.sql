-- The tags of the catalogue: genres, artists, whatever the files name.
-- grain:    none
-- why:      core.tags judges missing and repeated ids.
-- gate of:  files.tags

select
    tags.tag_type,
    tags.tag_id,
    tags.tag_name,
    tags.bad_value as rejected_value,
    case
        when tags.bad_line then 'bad_line'
        when tags.bad_tag_id then 'bad_tag_id'
    end as reject_reason
from files.tags
