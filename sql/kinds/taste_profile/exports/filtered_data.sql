-- The plays that the filters keep: popular songs, then users with enough of them.
-- file:  filtered_data.csv

select
    events.user_id,
    events.item_id as song_id,
    cast(events.weight as bigint) as freq,
    songs.artist,
    songs.title
from core.events
inner join staging.songs
    on events.item_id = songs.song_id
order by events.user_id, events.item_id, events.weight, events.source_file
