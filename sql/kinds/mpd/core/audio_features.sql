-- The sound of each item that has one, where items are tracks.
-- grain:  item_id
-- why:    items without features have no row: what stands for them is a model's affair.

select
    items.item_id,
    -- how fit it is for dancing, 0 to 1
    audio_features.danceability,
    -- intensity and activity, 0 to 1
    audio_features.energy,
    -- pitch class: 0 is C, 11 is B, -1 where none was found
    audio_features.key,
    -- over the whole track, in decibels; most are below 0
    audio_features.loudness,
    -- 1 is major, 0 is minor
    audio_features.mode,
    -- spoken words, 0 to 1
    audio_features.speechiness,
    -- confidence that it is acoustic, 0 to 1
    audio_features.acousticness,
    -- confidence that nobody sings, 0 to 1
    audio_features.instrumentalness,
    -- confidence that an audience is there, 0 to 1
    audio_features.liveness,
    -- how cheerful it sounds, 0 to 1
    audio_features.valence,
    -- beats a minute; 0 where none was found
    audio_features.tempo,
    -- length in milliseconds
    audio_features.duration_ms,
    -- beats a bar
    audio_features.time_signature
from core.items
inner join staging.audio_features
    on items.item_id = audio_features.track_id
where $item_entity = 'track'
