-- The tracks, by id: lists of their albums, artists and genres, some empty, some of unknown ids.
-- grain:  track_id
-- why:    one sort, of the catalogue: the original lies by id, and ids say nothing of popularity.
--         Ids of albums and artists from 100000000 on, of genres from 1000 on are in no catalogue.

with
-- one row per track
tracks as (
    select unnest(generate_series(0, $n_items - 1)) as track_number
),

-- one row per track, with its album and its draws
album_tracks as (
    select
        tracks.track_number,
        album_of($seed, tracks.track_number, $n_clusters, $n_cluster_albums) as album_number,
        draw($seed, 'without', tracks.track_number) as without_share,
        draw($seed, 'unknown', tracks.track_number) as unknown_share,
        draw($seed, 'second_genre', tracks.track_number) as genre_share,
        draw($seed, 'second_artist', tracks.track_number) as artist_share
    from tracks
),

-- one row per track, with its artist
artist_tracks as (
    select
        album_tracks.track_number,
        album_tracks.album_number,
        artist_of($seed, album_tracks.album_number, $n_clusters, $n_cluster_artists)
            as artist_number,
        album_tracks.without_share,
        album_tracks.unknown_share,
        album_tracks.genre_share,
        album_tracks.artist_share
    from album_tracks
)

select
    track_id_of(artist_tracks.track_number, $n_items, $seed_shift) as track_id,
    case
        when artist_tracks.without_share >= $tracks_without_artists
            and artist_tracks.without_share < $tracks_without_artists + $tracks_without_albums
            then cast([] as bigint[])
        when artist_tracks.unknown_share < $albums_unknown
            then [100000000 + artist_tracks.album_number]
        else [1 + artist_tracks.album_number]
    end as albums,
    case
        when artist_tracks.without_share < $tracks_without_artists then cast([] as bigint[])
        when artist_tracks.unknown_share >= $albums_unknown
            and artist_tracks.unknown_share < $albums_unknown + $artists_unknown
            then [1 + artist_tracks.artist_number, 100000000 + artist_tracks.artist_number]
        -- one in ten with another artist of the cluster
        when artist_tracks.artist_share < 0.1e0
            then list_sort(list_distinct([
                1 + artist_tracks.artist_number,
                1 + artist_of(
                    $seed, artist_tracks.track_number, $n_clusters, $n_cluster_artists
                )
            ]))
        else [1 + artist_tracks.artist_number]
    end as artists,
    case
        when artist_tracks.without_share >= 1 - $tracks_without_genres then cast([] as bigint[])
        when artist_tracks.unknown_share >= 1 - $genres_unknown
            then [1 + artist_tracks.track_number % $n_clusters, 1000]
        -- the cluster's genre, for one in three with another one that is in use
        when artist_tracks.genre_share < 1 / 3e0
            then list_sort(list_distinct([
                1 + artist_tracks.track_number % $n_clusters,
                1 + cast(floor(
                    3 * artist_tracks.genre_share * ($n_genres - ceil($n_genres * $genres_unused))
                ) as bigint)
            ]))
        else [1 + artist_tracks.track_number % $n_clusters]
    end as genres
from artist_tracks
order by track_id
