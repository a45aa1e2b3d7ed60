-- The names that the catalog gives albums, artists, genres and tracks, or why not.
-- grain:    type, id
-- why:      an id says something within its type alone: album 7 and track 7 are two things. Of a
--           repeated id the smallest name wins, a missing name last.
-- gate of:  files.catalog_names

select
    -- the source's own key, unique within its type
    catalog_names.id,
    -- what it names: album, artist, genre or track
    catalog_names.type,
    -- what people read; null where the source has no name
    catalog_names.name,
    catalog_names.bad_value as rejected_value,
    case
        when catalog_names.bad_line then 'bad_line'
        when catalog_names.id is null then 'missing_id'
        when
            catalog_names.type is null
            or catalog_names.type not in ('album', 'artist', 'genre', 'track')
            then 'bad_type'
        when row_number() over (
            partition by catalog_names.type, catalog_names.id
            order by catalog_names.name nulls last
        ) > 1 then 'duplicate_id'
    end as reject_reason
from files.catalog_names
