-- The catalogue as the original text: four fields between <SEP>, in Latin-1.
-- grain:  none
-- why:    these are the bytes of a file, whose last line has no end.

select
    latin_1(concat(
        case when row_number() over () > 1 then chr(10) else '' end,
        concat_ws('<SEP>', songs.track_id, songs.song_id, songs.artist, songs.title)
    )) as line
from generate.songs
