-- How many track rows have a key of each entity.
-- grain:  entity_type
-- why:    reduced copies of the data lack whole fields; items without any key can't be built.
-- check:  not is_item or n_track_rows = 0 or n_track_rows_with_key > 0
--         -- no track row has a key of this entity; choose another item_entity

with
-- one row: counts over all track rows
track_row_counts as (
    select
        count(*) as n_track_rows,
        count(playlist_tracks.track_id) as n_with_track,
        count(playlist_tracks.artist_id) as n_with_artist,
        count(playlist_tracks.album_id) as n_with_album
    from staging.playlist_tracks
)

select
    'track' as entity_type,
    -- whether this entity is the item of the build
    $item_entity = 'track' as is_item,
    track_row_counts.n_track_rows,
    -- track rows with a well-formed URI of this entity
    track_row_counts.n_with_track as n_track_rows_with_key
from track_row_counts
union all
select
    'artist' as entity_type,
    $item_entity = 'artist' as is_item,
    track_row_counts.n_track_rows,
    track_row_counts.n_with_artist as n_track_rows_with_key
from track_row_counts
union all
select
    'album' as entity_type,
    $item_entity = 'album' as is_item,
    track_row_counts.n_track_rows,
    track_row_counts.n_with_album as n_track_rows_with_key
from track_row_counts
