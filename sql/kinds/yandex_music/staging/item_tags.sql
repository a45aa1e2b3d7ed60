-- The albums, artists and genres of each kept track, each link once.
-- grain:  item_id, tag_type, tag_id
-- why:    a link to what the catalog lacks stands here too; core.item_tags rejects it, counted.

with
-- one row per track and id in its lists
carried_tags as (
    select
        tracks.track_id,
        'album' as tag_type,
        unnested.tag_id
    from staging.tracks
    cross join unnest(tracks.albums) as unnested(tag_id)
    union all
    select
        tracks.track_id,
        'artist' as tag_type,
        unnested.tag_id
    from staging.tracks
    cross join unnest(tracks.artists) as unnested(tag_id)
    union all
    select
        tracks.track_id,
        'genre' as tag_type,
        unnested.tag_id
    from staging.tracks
    cross join unnest(tracks.genres) as unnested(tag_id)
)

select
    carried_tags.track_id as item_id,
    carried_tags.tag_type,
    carried_tags.tag_id
from carried_tags
group by carried_tags.track_id, carried_tags.tag_type, carried_tags.tag_id
