-- The artists with more than $spelling_min spellings.
-- grain:  artist_id

select
    -- the artist's key at MusicBrainz
    spellings.artist_id,
    -- different spellings
    count(*) as n_names,
    -- the spellings, the most frequent first, equally frequent ones by text
    list_transform(
        list_sort(list({'before': -spellings.n_rows, 'name': spellings.artist_name})),
        lambda spelling: spelling.name
    ) as names,
    -- selected rows of the artist that have a name
    cast(sum(spellings.n_rows) as bigint) as n_rows
from staging.spellings
group by spellings.artist_id
having count(*) > $spelling_min
