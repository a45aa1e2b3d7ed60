-- A slice of playlists: one JSON document, laid out as the original, one piece a playlist.
-- grain:  none
-- why:    these are the bytes of a file: the first piece has the head of the document, the last its
--         end. One document at a time is grouped and sorted, all rows never.

with
-- one row per track of a playlist, with its album
album_tracks as (
    select
        picked_items.user_number,
        picked_items.turn,
        picked_items.item_number as track_number,
        album_of($seed, picked_items.item_number, $n_clusters, $n_cluster_albums) as album_number,
        duration_of($seed, picked_items.item_number) as duration_ms,
        draw($seed, 'local', picked_items.user_number, picked_items.turn) < $uris_bad as is_local
    from generate.picked_items
),

-- one row per track of a playlist, with its artist
artist_tracks as (
    select
        album_tracks.user_number,
        album_tracks.turn,
        album_tracks.track_number,
        album_tracks.album_number,
        artist_of($seed, album_tracks.album_number, $n_clusters, $n_cluster_artists)
            as artist_number,
        album_tracks.duration_ms,
        album_tracks.is_local
    from album_tracks
),

-- one row per track of a playlist, written
written_tracks as (
    select
        artist_tracks.user_number,
        artist_tracks.turn,
        artist_tracks.album_number,
        artist_tracks.artist_number,
        artist_tracks.duration_ms,
        json_lines(16, '{', [
            json_field('pos', cast(artist_tracks.turn as varchar)),
            json_field('artist_name', json_text(made_up_name(artist_tracks.artist_number, true))),
            json_uri('track', artist_tracks.is_local, $seed, artist_tracks.track_number),
            json_uri('artist', artist_tracks.is_local, $seed, artist_tracks.artist_number),
            json_field(
                'track_name', json_text(name_by_draw($seed, 'title', artist_tracks.track_number))
            ),
            json_uri('album', artist_tracks.is_local, $seed, artist_tracks.album_number),
            json_field('duration_ms', cast(artist_tracks.duration_ms as varchar)),
            json_field(
                'album_name', json_text(name_by_draw($seed, 'album', artist_tracks.album_number))
            )
        ], '}') as track_text
    from artist_tracks
),

-- one row per playlist that has tracks
track_lists as (
    select
        written_tracks.user_number,
        count(*) as n_tracks,
        count(distinct written_tracks.album_number) as n_albums,
        count(distinct written_tracks.artist_number) as n_artists,
        cast(sum(written_tracks.duration_ms) as bigint) as duration_ms,
        list(written_tracks.track_text order by written_tracks.turn) as track_texts
    from written_tracks
    group by written_tracks.user_number
),

-- one row per playlist
playlists as (
    select unnest(generate_series($first_user, $last_user)) as user_number
),

-- one row per playlist, with its draws
drawn_playlists as (
    select
        playlists.user_number,
        playlists.user_number = $first_user as is_first,
        playlists.user_number = $last_user as is_last,
        case
            when draw($seed, 'pid', playlists.user_number) < $pids_broken then 'null'
            when draw($seed, 'pid', playlists.user_number) < $pids_broken + $pids_repeated
                and playlists.user_number > 0
                then cast(playlists.user_number - 1 as varchar)
            else cast(playlists.user_number as varchar)
        end as pid,
        playlist_title($seed, playlists.user_number, $n_clusters) as title,
        case
            when draw($seed, 'emoji', playlists.user_number) < $titles_with_emoji
                then [' 🎧', ' ❤️', ' 🔥🔥', ' ☀️', '🎄'][playlists.user_number % 5 + 1]
            else ''
        end as title_end,
        -- days of the years 2015 to 2017, the last ones the most
        1420070400 + 86400 * cast(floor(
            1036 * sqrt(draw($seed, 'modified', playlists.user_number))
        ) as bigint) as modified_at,
        cast(floor(pow(1 - draw($seed, 'followers', playlists.user_number), -0.6e0)) as bigint)
            as n_followers,
        case
            when draw($seed, 'shared', playlists.user_number) < 0.02e0 then 'true'
            else 'false'
        end as collaborative,
        draw($seed, 'described', playlists.user_number) < 0.02e0 as is_described
    from playlists
)

select
    encode(concat(
        case
            when drawn_playlists.is_first then slice_head($first_user)
            else concat(', ', line_break(8))
        end,
        json_lines(8, '{', list_filter([
            json_field('name', json_text(concat(drawn_playlists.title, drawn_playlists.title_end))),
            json_field('collaborative', json_text(drawn_playlists.collaborative)),
            json_field('pid', drawn_playlists.pid),
            json_field('modified_at', cast(drawn_playlists.modified_at as varchar)),
            json_field('num_tracks', cast(coalesce(track_lists.n_tracks, 0) as varchar)),
            json_field('num_albums', cast(coalesce(track_lists.n_albums, 0) as varchar)),
            json_field('num_followers', cast(drawn_playlists.n_followers as varchar)),
            case
                when drawn_playlists.is_described
                    then json_field(
                        'description', json_text(concat(drawn_playlists.title, ' &amp; more'))
                    )
            end,
            json_field('tracks', case
                when track_lists.n_tracks is null then '[]'
                else json_lines(12, '[', track_lists.track_texts, ']')
            end),
            json_field('num_edits', cast(coalesce(track_lists.n_tracks, 0) // 2 + 1 as varchar)),
            json_field('duration_ms', cast(coalesce(track_lists.duration_ms, 0) as varchar)),
            json_field('num_artists', cast(coalesce(track_lists.n_artists, 0) as varchar))
        ], lambda field: field is not null), '}'),
        case
            when drawn_playlists.is_last then concat(line_break(4), ']', line_break(0), '}')
            else ''
        end
    )) as piece
from drawn_playlists
left join track_lists
    on drawn_playlists.user_number = track_lists.user_number
order by drawn_playlists.user_number
