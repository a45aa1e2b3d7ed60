-- The demo's twelve genres.
-- grain:  tag_type, tag_id

with
-- one row: the genres by number
genre_words as (
    select
        'ambient|blues|classical|dance|electronic|folk|hip hop|indie|jazz|metal|pop|rock'
            as tag_names
)

select
    'genre' as tag_type,
    cast(unnested.tag_id as bigint) as tag_id,
    split_part(genre_words.tag_names, '|', cast(unnested.tag_id as integer)) as tag_name
from genre_words
cross join unnest(generate_series(1, 12)) as unnested(tag_id)
