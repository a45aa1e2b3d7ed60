-- The catalogue of songs, a few of them missing and a few there twice.
-- grain:  track_id

with
-- one row per song, in no order of popularity
songs as (
    select scattered(unnest(generate_series(0, $n_items - 1)), $n_items, $seed_shift) as song_number
),

-- one row per song that the catalogue has, with its artist: one of the song's own cluster
kept_songs as (
    select
        songs.song_number,
        artist_of($seed, songs.song_number, $n_clusters, $n_cluster_artists) as artist_number
    from songs
    where draw($seed, 'songs_missing', songs.song_number) >= $songs_missing
),

-- one row per entry of the catalogue
entries as (
    select
        kept_songs.song_number,
        kept_songs.artist_number,
        unnest(generate_series(
            0,
            case
                when draw($seed, 'songs_repeated', kept_songs.song_number) < $songs_repeated then 1
                else 0
            end
        )) as entry
    from kept_songs
),

-- one row per entry of the catalogue, with the digits of its id
coded_entries as (
    select
        entries.song_number,
        entries.artist_number,
        code_of($seed, 'track', entries.song_number * 2 + entries.entry) as code
    from entries
)

select
    concat(
        'TR',
        letters_of(coded_entries.code),
        '128F',
        substr(coded_entries.code, 6, 7)
    ) as track_id,
    song_id_of($seed, coded_entries.song_number) as song_id,
    made_up_name(coded_entries.artist_number, false) as artist,
    name_by_draw($seed, 'title', coded_entries.song_number, is_wide := false) as title
from coded_entries
