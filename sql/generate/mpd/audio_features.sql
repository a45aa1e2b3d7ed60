-- A chunk of the tracks' audio features: one JSON document, one piece a track.
-- grain:  none
-- why:    these are the bytes of a file. Tracks of a cluster sound alike: a feature is three parts
--         the cluster's and one part the track's own.

with
-- one row per track
tracks as (
    select unnest(generate_series($first_item, $last_item)) as track_number
),

-- one row per track, with what it sounds like
features as (
    select
        tracks.track_number,
        spotify_id($seed, 'track', tracks.track_number) as track_id,
        draw($seed, 'features_missing', tracks.track_number) < $features_missing as is_missing,
        feature_of($seed, 'danceability', tracks.track_number, $n_clusters) as danceability,
        feature_of($seed, 'energy', tracks.track_number, $n_clusters) as energy,
        cast(floor(12 * draw($seed, 'key', tracks.track_number)) as bigint) as key,
        round(-30 + 29 * feature_of($seed, 'loudness', tracks.track_number, $n_clusters), 3)
            as loudness,
        cast(round(draw($seed, 'mode', tracks.track_number)) as bigint) as mode,
        feature_of($seed, 'speechiness', tracks.track_number, $n_clusters) as speechiness,
        feature_of($seed, 'acousticness', tracks.track_number, $n_clusters) as acousticness,
        feature_of($seed, 'instrumentalness', tracks.track_number, $n_clusters)
            as instrumentalness,
        feature_of($seed, 'liveness', tracks.track_number, $n_clusters) as liveness,
        feature_of($seed, 'valence', tracks.track_number, $n_clusters) as valence,
        round(60 + 140 * feature_of($seed, 'tempo', tracks.track_number, $n_clusters), 3) as tempo,
        duration_of($seed, tracks.track_number) as duration_ms
    from tracks
)

select
    encode(concat(
        case when features.track_number = $first_item then '{"audio_features": [' else '' end,
        case
            when features.is_missing then 'null'
            else cast(json_object(
                'danceability', features.danceability,
                'energy', features.energy,
                'key', features.key,
                'loudness', features.loudness,
                'mode', features.mode,
                'speechiness', features.speechiness,
                'acousticness', features.acousticness,
                'instrumentalness', features.instrumentalness,
                'liveness', features.liveness,
                'valence', features.valence,
                'tempo', features.tempo,
                'type', 'audio_features',
                'id', features.track_id,
                'uri', concat('spotify:track:', features.track_id),
                'duration_ms', features.duration_ms,
                'time_signature', 4
            ) as varchar)
        end,
        case when features.track_number = $last_item then ']}' else concat(',', line_break(0)) end
    )) as piece
from features
