-- What a tracks' service says of each track's sound, or why not.
-- grain:    track_id
-- why:      an entry is null where the service knows nothing of the track. Of several entries of a
--           track the smallest by its features is kept, so that which file it came in and in what
--           order do not matter.
-- gate of:  files.audio_features

with
-- one row per entry, with whether it says anything of a sound
judged_entries as (
    select
        audio_features.id as track_id,
        audio_features.danceability,
        audio_features.energy,
        audio_features.key,
        audio_features.loudness,
        audio_features.mode,
        audio_features.speechiness,
        audio_features.acousticness,
        audio_features.instrumentalness,
        audio_features.liveness,
        audio_features.valence,
        audio_features.tempo,
        audio_features.duration_ms,
        audio_features.time_signature,
        audio_features.source_file,
        audio_features.record_number,
        coalesce(
            audio_features.danceability,
            audio_features.energy,
            audio_features.key,
            audio_features.loudness,
            audio_features.mode,
            audio_features.speechiness,
            audio_features.acousticness,
            audio_features.instrumentalness,
            audio_features.liveness,
            audio_features.valence,
            audio_features.tempo,
            audio_features.duration_ms,
            audio_features.time_signature
        ) is not null as has_features
    from files.audio_features
),

-- one row per entry, with its turn among those of its track; one without features comes last
numbered_entries as (
    select
        judged_entries.track_id,
        judged_entries.danceability,
        judged_entries.energy,
        judged_entries.key,
        judged_entries.loudness,
        judged_entries.mode,
        judged_entries.speechiness,
        judged_entries.acousticness,
        judged_entries.instrumentalness,
        judged_entries.liveness,
        judged_entries.valence,
        judged_entries.tempo,
        judged_entries.duration_ms,
        judged_entries.time_signature,
        judged_entries.source_file,
        judged_entries.record_number,
        judged_entries.has_features,
        row_number() over (
            partition by judged_entries.track_id
            order by
                judged_entries.danceability nulls last,
                judged_entries.energy nulls last,
                judged_entries.key nulls last,
                judged_entries.loudness nulls last,
                judged_entries.mode nulls last,
                judged_entries.speechiness nulls last,
                judged_entries.acousticness nulls last,
                judged_entries.instrumentalness nulls last,
                judged_entries.liveness nulls last,
                judged_entries.valence nulls last,
                judged_entries.tempo nulls last,
                judged_entries.duration_ms nulls last,
                judged_entries.time_signature nulls last,
                judged_entries.source_file,
                judged_entries.record_number
        ) as turn
    from judged_entries
)

select
    -- the track's key, without a prefix
    numbered_entries.track_id,
    -- how fit it is for dancing, 0 to 1
    numbered_entries.danceability,
    -- intensity and activity, 0 to 1
    numbered_entries.energy,
    -- pitch class: 0 is C, 11 is B, -1 where none was found
    numbered_entries.key,
    -- over the whole track, in decibels; most are below 0
    numbered_entries.loudness,
    -- 1 is major, 0 is minor
    numbered_entries.mode,
    -- spoken words, 0 to 1
    numbered_entries.speechiness,
    -- confidence that it is acoustic, 0 to 1
    numbered_entries.acousticness,
    -- confidence that nobody sings, 0 to 1
    numbered_entries.instrumentalness,
    -- confidence that an audience is there, 0 to 1
    numbered_entries.liveness,
    -- how cheerful it sounds, 0 to 1
    numbered_entries.valence,
    -- beats a minute; 0 where none was found
    numbered_entries.tempo,
    -- length in milliseconds
    numbered_entries.duration_ms,
    -- beats a bar
    numbered_entries.time_signature,
    numbered_entries.source_file,
    -- place of the entry in its file, from 1
    numbered_entries.record_number,
    case
        when not numbered_entries.has_features then 'no_features'
        when numbered_entries.track_id is null then 'missing_id'
        when numbered_entries.turn > 1 then 'duplicate_id'
    end as reject_reason
from numbered_entries
