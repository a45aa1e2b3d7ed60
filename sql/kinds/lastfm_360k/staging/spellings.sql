-- Every spelling of every artist in the selected rows.
-- grain:  artist_id, artist_name

select
    -- the artist's key at MusicBrainz
    selected_plays.artist_id,
    -- one of its spellings
    selected_plays.artist_name,
    -- rows that spell it so
    count(*) as n_rows
from staging.selected_plays
where selected_plays.artist_id is not null and selected_plays.artist_name is not null
group by selected_plays.artist_id, selected_plays.artist_name
