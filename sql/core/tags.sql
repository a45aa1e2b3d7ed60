-- Every tag of the catalogue, each once: artists, albums, genres, whatever the source knows.
-- grain:    tag_type, tag_id
-- why:      of a repeated tag the smallest name wins, a missing name last.
-- gate of:  staging.tags
-- harmless: duplicate_tag_id

select
    tags.tag_type,
    tags.tag_id,
    tags.tag_name,
    case
        when tags.tag_type is null or tags.tag_id is null then 'missing_tag_id'
        when row_number() over (
            partition by tags.tag_type, tags.tag_id
            order by tags.tag_name nulls last
        ) > 1 then 'duplicate_tag_id'
    end as reject_reason
from staging.tags
