-- The playlists as they stand in the source files, nested tracks included.
-- grain:     source_file, record_number
-- why:       a pid may come twice, in one file or in two; staging.playlists judges that.
-- for each:  files.slices

select
    -- the playlist's number in its data set; null where the source has no integer
    case
        when regexp_matches(slices.pid, '^-?[0-9]+$') then try_cast(slices.pid as bigint)
    end as pid,
    slices.name as playlist_name,
    -- tracks that the source claims; the length of the list where it says nothing
    coalesce(
        case
            when regexp_matches(slices.num_tracks, '^-?[0-9]+$')
                then try_cast(slices.num_tracks as bigint)
        end,
        array_length(slices.tracks),
        0
    ) as n_tracks_claimed,
    slices.tracks,
    slices.source_file,
    -- place of the playlist in its file, from 1
    slices.record_number
from files.slices
