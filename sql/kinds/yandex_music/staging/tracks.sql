-- The tracks of the files with what they carry, or why not.
-- grain:    track_id
-- why:      of a repeated id a row with all three lists stays, of several the first in the order of
--           their lists: the order of files does not matter. A NULL in a list says nothing. One
--           unknown id among several rejects, where reject_unknown_tags names its type.
-- gate of:  files.tracks

with
-- one row per row of the files, without the NULLs in its lists
listed_tracks as (
    select
        tracks.track_id,
        tracks.bad_line,
        tracks.bad_value,
        list_filter(tracks.albums, lambda id: id is not null) as albums,
        list_filter(tracks.artists, lambda id: id is not null) as artists,
        list_filter(tracks.genres, lambda id: id is not null) as genres
    from files.tracks
),

-- one row per row of the files, with what it lacks of the three, the first in this order
judged_tracks as (
    select
        listed_tracks.track_id,
        listed_tracks.bad_line,
        listed_tracks.bad_value,
        listed_tracks.albums,
        listed_tracks.artists,
        listed_tracks.genres,
        case
            when coalesce(array_length(listed_tracks.artists), 0) = 0 then 'no_artists'
            when coalesce(array_length(listed_tracks.albums), 0) = 0 then 'no_albums'
            when coalesce(array_length(listed_tracks.genres), 0) = 0 then 'no_genres'
        end as lack
    from listed_tracks
),

-- one row per row of the files, with its turn among those of its id
numbered_tracks as (
    select
        judged_tracks.track_id,
        judged_tracks.bad_line,
        judged_tracks.bad_value,
        judged_tracks.albums,
        judged_tracks.artists,
        judged_tracks.genres,
        judged_tracks.lack,
        row_number() over (
            partition by judged_tracks.track_id
            order by
                judged_tracks.lack is not null,
                judged_tracks.artists,
                judged_tracks.albums,
                judged_tracks.genres
        ) as turn
    from judged_tracks
),

-- one row per track and id in its lists
carried_tags as (
    select
        numbered_tracks.track_id,
        'genre' as tag_type,
        unnested.tag_id
    from numbered_tracks
    cross join unnest(numbered_tracks.genres) as unnested(tag_id)
    where numbered_tracks.turn = 1
    union all
    select
        numbered_tracks.track_id,
        'artist' as tag_type,
        unnested.tag_id
    from numbered_tracks
    cross join unnest(numbered_tracks.artists) as unnested(tag_id)
    where numbered_tracks.turn = 1
    union all
    select
        numbered_tracks.track_id,
        'album' as tag_type,
        unnested.tag_id
    from numbered_tracks
    cross join unnest(numbered_tracks.albums) as unnested(tag_id)
    where numbered_tracks.turn = 1
),

-- one row per track with an id that the catalog lacks, of a type that rejects
unknown_tracks as (
    select
        carried_tags.track_id,
        bool_or(carried_tags.tag_type = 'genre') as has_unknown_genre,
        bool_or(carried_tags.tag_type = 'artist') as has_unknown_artist
    from carried_tags
    left join staging.catalog_names
        on carried_tags.tag_type = catalog_names.type
        and carried_tags.tag_id = catalog_names.id
    where
        catalog_names.id is null
        and list_contains($reject_unknown_tags, carried_tags.tag_type)
    group by carried_tags.track_id
)

select
    -- the track's own key
    numbered_tracks.track_id,
    -- ids of its albums, as the file lists them
    numbered_tracks.albums,
    -- ids of its artists
    numbered_tracks.artists,
    -- ids of its genres
    numbered_tracks.genres,
    numbered_tracks.bad_value as rejected_value,
    case
        when numbered_tracks.bad_line then 'bad_line'
        when numbered_tracks.track_id is null then 'missing_track_id'
        when numbered_tracks.turn > 1 then 'duplicate_track_id'
        when numbered_tracks.lack is not null then numbered_tracks.lack
        when unknown_tracks.has_unknown_genre then 'unknown_genre'
        when unknown_tracks.has_unknown_artist then 'unknown_artist'
        when unknown_tracks.track_id is not null then 'unknown_album'
    end as reject_reason
from numbered_tracks
left join unknown_tracks
    on numbered_tracks.track_id = unknown_tracks.track_id
