-- The catalogue of songs, each once, or why not.
-- grain:    song_id
-- why:      a song stands once for each of its tracks; the smallest track_id stays, so that the
--           order of rows and files does not matter. Plays name songs, never tracks.
-- gate of:  files.songs

with
-- one row per row of the catalogue, with its turn among those of its song
numbered_songs as (
    select
        songs.song_id,
        songs.track_id,
        songs.artist,
        songs.title,
        songs.bad_line,
        songs.bad_value,
        row_number() over (
            partition by songs.song_id
            order by
                songs.track_id nulls last,
                songs.artist nulls last,
                songs.title nulls last
        ) as turn
    from files.songs
)

select
    -- what plays name, and the item
    numbered_songs.song_id,
    -- the track whose row stayed
    numbered_songs.track_id,
    numbered_songs.artist,
    numbered_songs.title,
    numbered_songs.bad_value as rejected_value,
    case
        when numbered_songs.bad_line then 'bad_line'
        when numbered_songs.song_id is null then 'missing_song_id'
        when numbered_songs.turn > 1 then 'duplicate_song_id'
    end as reject_reason
from numbered_songs
