-- The audio features of each track that has them.
-- file:  track_features.csv

select
    audio_features.item_id as track_uri,
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
from core.audio_features
order by audio_features.item_id
