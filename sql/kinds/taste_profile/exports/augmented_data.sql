-- The examples to train on: played songs first, then the negatives, whose freq is empty.
-- file:  augmented_data.csv
-- why:   repeated rows of a user and song are one example, with their plays added up.

select
    examples.user_id,
    examples.item_id as song_id,
    cast(examples.weight as bigint) as freq,
    songs.artist,
    songs.title,
    examples.rating as interaction
from training.examples
inner join staging.songs
    on examples.item_id = songs.song_id
order by examples.rating desc, examples.user_id, examples.item_id
