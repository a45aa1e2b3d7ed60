-- The demo's twelve genres.
-- grain:  tag_type, tag_id

select
    'genre' as tag_type,
    cast(unnested.tag_id as bigint) as tag_id,
    list_extract(
        ['ambient', 'blues', 'classical', 'dance', 'electronic', 'folk', 'hip hop', 'indie', 'jazz', 'metal', 'pop', 'rock'],
        unnested.tag_id
    ) as tag_name
from unnest(generate_series(1, 12)) as unnested(tag_id)
