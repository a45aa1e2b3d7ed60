-- The track rows that count, as events of their playlist, or why not.
-- grain:    none
-- why:      one reason a row, the first in this order; the whole set is judged, so a track row of a
--           rejected playlist is counted here too.
-- gate of:  staging.playlist_tracks
-- harmless: entity_below_top, playlist_too_short, entity_below_mentions

with
-- one row per track row, with the key of what is an item in this build
keyed_tracks as (
    select
        playlist_tracks.pid,
        case
            when $item_entity = 'artist' then playlist_tracks.artist_id
            when $item_entity = 'album' then playlist_tracks.album_id
            else playlist_tracks.track_id
        end as item_id,
        playlist_tracks.position,
        playlist_tracks.source_file,
        playlist_tracks.record_number
    from staging.playlist_tracks
)

select
    keyed_tracks.pid as user_id,
    keyed_tracks.item_id,
    cast(1 as decimal(18, 6)) as weight,
    -- the source knows when a playlist changed, not when a track came in
    cast(null as timestamp) as occurred_at,
    keyed_tracks.pid as basket_id,
    keyed_tracks.position,
    keyed_tracks.source_file,
    case
        when keyed_tracks.item_id is null then 'bad_uri'
        when keyed_tracks.pid is null then 'bad_playlist'
        when playlists.pid is null then 'duplicate_pid'
        when not mentioned_items.is_top_entity then 'entity_below_top'
        when users.user_id is null then 'playlist_too_short'
        when not mentioned_items.is_mentioned_enough then 'entity_below_mentions'
    end as reject_reason
from keyed_tracks
left join staging.playlists
    on keyed_tracks.source_file = playlists.source_file
    and keyed_tracks.record_number = playlists.record_number
left join staging.users
    on playlists.pid = users.user_id
left join staging.mentioned_items
    on keyed_tracks.item_id = mentioned_items.item_id
