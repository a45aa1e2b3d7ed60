-- The artist, and for tracks the album, of each item.
-- grain:  item_id, tag_type, tag_id
-- why:    a rare URI stands under two artists or albums in the source; each link is kept, once.

with
-- one row per track row of a kept playlist, with the key of what is an item in this build
keyed_tracks as (
    select
        case
            when $item_entity = 'album' then playlist_tracks.album_id
            else playlist_tracks.track_id
        end as item_id,
        playlist_tracks.artist_id,
        playlist_tracks.album_id
    from staging.playlist_tracks
    inner join staging.playlists
        on playlist_tracks.source_file = playlists.source_file
        and playlist_tracks.record_number = playlists.record_number
    where $item_entity in ('track', 'album')
),

-- one row per link, repeats and items below the filters included
links as (
    select
        keyed_tracks.item_id,
        'artist' as tag_type,
        keyed_tracks.artist_id as tag_id
    from keyed_tracks
    union all
    select
        keyed_tracks.item_id,
        'album' as tag_type,
        keyed_tracks.album_id as tag_id
    from keyed_tracks
    where $item_entity = 'track'
)

select
    links.item_id,
    links.tag_type,
    links.tag_id
from links
inner join staging.items
    on links.item_id = items.item_id
where links.tag_id is not null
group by links.item_id, links.tag_type, links.tag_id
