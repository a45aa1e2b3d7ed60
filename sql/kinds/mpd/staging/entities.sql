-- Tracks, artists and albums, each with its mentions over all playlists and its rank by them.
-- grain:  entity_type, entity_id
-- why:    mentions are track rows, counted before short playlists leave, as the top list is of the
--         whole set. The name is the most frequent spelling, ties to the smaller text.
-- check:  n_mentions >= 1

with
-- one row per track row of a kept playlist
kept_tracks as (
    select
        playlist_tracks.track_id,
        playlist_tracks.track_name,
        playlist_tracks.artist_id,
        playlist_tracks.artist_name,
        playlist_tracks.album_id,
        playlist_tracks.album_name
    from staging.playlist_tracks
    inner join staging.playlists
        on playlist_tracks.source_file = playlists.source_file
        and playlist_tracks.record_number = playlists.record_number
),

-- one row per entity and spelling of its name
spellings as (
    select
        'track' as entity_type,
        kept_tracks.track_id as entity_id,
        kept_tracks.track_name as entity_name,
        count(*) as n_rows
    from kept_tracks
    where kept_tracks.track_id is not null
    group by kept_tracks.track_id, kept_tracks.track_name
    union all
    select
        'artist' as entity_type,
        kept_tracks.artist_id as entity_id,
        kept_tracks.artist_name as entity_name,
        count(*) as n_rows
    from kept_tracks
    where kept_tracks.artist_id is not null
    group by kept_tracks.artist_id, kept_tracks.artist_name
    union all
    select
        'album' as entity_type,
        kept_tracks.album_id as entity_id,
        kept_tracks.album_name as entity_name,
        count(*) as n_rows
    from kept_tracks
    where kept_tracks.album_id is not null
    group by kept_tracks.album_id, kept_tracks.album_name
),

-- one row per entity and spelling, with the spelling's turn; a missing name comes last
ranked_spellings as (
    select
        spellings.entity_type,
        spellings.entity_id,
        spellings.entity_name,
        cast(sum(spellings.n_rows) over (
            partition by spellings.entity_type, spellings.entity_id
        ) as bigint) as n_mentions,
        row_number() over (
            partition by spellings.entity_type, spellings.entity_id
            order by
                case when spellings.entity_name is null then 1 else 0 end,
                spellings.n_rows desc,
                spellings.entity_name
        ) as spelling_rank
    from spellings
)

select
    -- track, artist or album
    ranked_spellings.entity_type,
    -- the URI without its prefix
    ranked_spellings.entity_id,
    ranked_spellings.entity_name,
    -- track rows that name it
    ranked_spellings.n_mentions,
    -- 1 is the most mentioned of its type; ties go to the smaller id
    cast(
        row_number() over (
            partition by ranked_spellings.entity_type
            order by ranked_spellings.n_mentions desc, ranked_spellings.entity_id
        ) as bigint
    ) as mention_rank
from ranked_spellings
where ranked_spellings.spelling_rank = 1
