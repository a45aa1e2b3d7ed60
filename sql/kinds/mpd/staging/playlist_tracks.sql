-- The track rows of all playlist records, unnested, with the keys of their three entities.
-- grain:  none
-- why:    a track may stand in a playlist twice, and both rows are events. A URI of another form,
--         and a list entry that is no object, has a null key: staging.events judges it.
-- as:     view

with
-- one row per track row of a record
track_rows as (
    select
        playlist_records.pid,
        playlist_records.source_file,
        playlist_records.record_number,
        unnested.track_row
    from staging.playlist_records
    cross join unnest(playlist_records.tracks) as unnested(track_row)
)

select
    track_rows.pid,
    track_rows.source_file,
    track_rows.record_number,
    -- 0 is the first; the reader fills in the order of the list where the source says nothing
    track_rows.track_row.pos as position,
    -- the URI without its prefix
    case
        when starts_with(track_rows.track_row.track_uri, 'spotify:track:')
            then nullif(substr(track_rows.track_row.track_uri, 15), '')
    end as track_id,
    track_rows.track_row.track_name as track_name,
    case
        when starts_with(track_rows.track_row.artist_uri, 'spotify:artist:')
            then nullif(substr(track_rows.track_row.artist_uri, 16), '')
    end as artist_id,
    track_rows.track_row.artist_name as artist_name,
    case
        when starts_with(track_rows.track_row.album_uri, 'spotify:album:')
            then nullif(substr(track_rows.track_row.album_uri, 15), '')
    end as album_id,
    track_rows.track_row.album_name as album_name
from track_rows
