-- The track rows that count, in the order of their playlists.
-- file:           playlist_{i}.csv
-- rows per file:  500000
-- why:            a track row counts where its playlist met its item: all filters of core hold.

with
-- one row: the parameter item_entity of this build
settings as (
    select parameters.value as item_entity
    from meta.parameters
    where parameters.parameter = 'item_entity'
),

-- one row per track row of a playlist record that is kept, with the key of what is an item
keyed_tracks as (
    select
        playlist_tracks.pid,
        playlist_tracks.position,
        playlist_tracks.artist_name,
        playlist_tracks.artist_id,
        playlist_tracks.track_name,
        playlist_tracks.track_id,
        case settings.item_entity
            when 'artist' then playlist_tracks.artist_id
            when 'album' then playlist_tracks.album_id
            else playlist_tracks.track_id
        end as item_id
    from staging.playlist_tracks
    inner join staging.playlists
        on playlist_tracks.source_file = playlists.source_file
        and playlist_tracks.record_number = playlists.record_number
    cross join settings
)

select
    keyed_tracks.pid,
    keyed_tracks.artist_name,
    keyed_tracks.artist_id as artist_uri,
    keyed_tracks.track_name,
    keyed_tracks.track_id as track_uri
from keyed_tracks
inner join core.interactions
    on keyed_tracks.pid = interactions.user_id
    and keyed_tracks.item_id = interactions.item_id
order by keyed_tracks.pid, keyed_tracks.position, keyed_tracks.track_id, keyed_tracks.artist_id
