-- The artists that were played, each under its most frequent spelling.
-- grain:  item_id
-- why:    the id tells artists apart, a name does not. Of equally frequent spellings the smaller
--         text.

with
-- one row per artist and spelling
spelling_counts as (
    select
        plays.artist_id,
        plays.artist_name,
        count(*) as n_rows
    from staging.plays
    group by plays.artist_id, plays.artist_name
),

-- one row per artist and spelling, ranked
ranked_spellings as (
    select
        spelling_counts.artist_id,
        spelling_counts.artist_name,
        row_number() over (
            partition by spelling_counts.artist_id
            order by spelling_counts.n_rows desc, spelling_counts.artist_name
        ) as rank
    from spelling_counts
)

select
    ranked_spellings.artist_id as item_id,
    ranked_spellings.artist_name as item_name
from ranked_spellings
where ranked_spellings.rank = 1
