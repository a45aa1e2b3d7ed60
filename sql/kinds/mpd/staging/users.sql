-- The playlists long enough to be users.
-- grain:    user_id
-- why:      a playlist is the user of this source. Length is what the source claims, num_tracks, as
--           recipe and data set mean it.
-- gate of:  staging.playlists
-- harmless: playlist_too_short

select
    playlists.pid as user_id,
    playlists.playlist_name as user_name,
    case
        when $min_playlist_tracks > 0 and playlists.n_tracks_claimed <= $min_playlist_tracks
            then 'playlist_too_short'
    end as reject_reason
from staging.playlists
