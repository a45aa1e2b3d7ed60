-- The plays as events: each row weighs as many plays as it counts.
-- grain:  none
-- why:    a count has no time and no place in a list.
-- as:     view

select
    plays.user_id,
    plays.artist_id as item_id,
    cast(plays.plays as decimal(18, 6)) as weight,
    cast(null as timestamp) as occurred_at,
    cast(null as varchar) as basket_id,
    cast(null as integer) as position,
    plays.source_file
from staging.plays
