-- The playlists, each once, or why not.
-- grain:    pid
-- why:      of a repeated pid only the first by file name, then place, can be kept, also where that
--           one has no tracks: what is seen must not depend on the reader's order. Short playlists
--           stay here: their tracks count as mentions.
-- gate of:  staging.playlist_records

with
-- one row per record, with its turn among the records of its pid
numbered_records as (
    select
        playlist_records.pid,
        playlist_records.playlist_name,
        playlist_records.n_tracks_claimed,
        cast(coalesce(array_length(playlist_records.tracks), 0) as bigint) as n_tracks,
        playlist_records.source_file,
        playlist_records.record_number,
        row_number() over (
            partition by playlist_records.pid
            order by playlist_records.source_file, playlist_records.record_number
        ) as turn
    from staging.playlist_records
)

select
    numbered_records.pid,
    numbered_records.playlist_name,
    -- tracks that the source claims
    numbered_records.n_tracks_claimed,
    -- track rows in the list, repeats included
    numbered_records.n_tracks,
    numbered_records.source_file,
    numbered_records.record_number,
    case
        when numbered_records.pid is null then 'bad_playlist'
        when numbered_records.n_tracks = 0 then 'no_tracks'
        when numbered_records.turn > 1 then 'duplicate_pid'
    end as reject_reason
from numbered_records
