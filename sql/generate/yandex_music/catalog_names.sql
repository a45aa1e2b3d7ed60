-- The names of the catalogue: of albums, artists, genres and tracks.
-- grain:  none
-- why:    a few tracks have their name twice. One sort, of the catalogue: the original lies by type
--         and id.

with
-- one row per genre, the last one is all of them
genre_names as (
    select unnest(generate_series(1, $n_genres)) as id
),

-- one row per name of a track
track_numbers as (
    select unnest(generate_series(0, $n_items - 1)) as track_number
    union all
    select repeated_numbers.track_number
    from (
        select unnest(generate_series(0, $n_items - 1)) as track_number
    ) as repeated_numbers
    where draw($seed, 'names_repeated', repeated_numbers.track_number) < $names_repeated
)

select
    unnest(generate_series(1, $n_albums)) as id,
    'album' as type,
    name_by_draw($seed, 'album_name', id) as name
union all
select
    unnest(generate_series(1, $n_artists)) as id,
    'artist' as type,
    made_up_name(id - 1, true) as name
union all
select
    genre_names.id,
    'genre' as type,
    case
        when genre_names.id = $n_genres then 'all'
        else concat(
            [
                'pop', 'rap', 'rock', 'dance', 'folk', 'jazz', 'metal', 'indie', 'soul', 'эстрада'
            ][genre_names.id % 10 + 1],
            case when genre_names.id >= 10 then cast(genre_names.id // 10 as varchar) else '' end
        )
    end as name
from genre_names
union all
select
    track_id_of(track_numbers.track_number, $n_items, $seed_shift) as id,
    'track' as type,
    name_by_draw($seed, 'title', track_numbers.track_number) as name
from track_numbers
order by type, id
