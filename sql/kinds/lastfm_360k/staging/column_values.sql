-- How often each value stands in each column of the selected rows, profiles and plays.
-- grain:  none
-- why:    counts by value are all that describing needs, and they spill: quartiles over the rows
--         would have to hold them all. The row of a missing value has a null.
-- check:  n_rows >= 1

select
    -- the input: plays or profiles
    'plays' as input_name,
    -- the column of the input
    'user_id' as column_name,
    -- the value as text; null where it is missing
    selected_plays.user_id as value,
    -- selected rows that hold it
    count(*) as n_rows
from staging.selected_plays
group by selected_plays.user_id
union all
select
    'plays' as input_name,
    'artist_id' as column_name,
    selected_plays.artist_id as value,
    count(*) as n_rows
from staging.selected_plays
group by selected_plays.artist_id
union all
select
    'plays' as input_name,
    'artist_name' as column_name,
    selected_plays.artist_name as value,
    count(*) as n_rows
from staging.selected_plays
group by selected_plays.artist_name
union all
select
    'plays' as input_name,
    'plays' as column_name,
    selected_plays.plays as value,
    count(*) as n_rows
from staging.selected_plays
group by selected_plays.plays
union all
select
    'profiles' as input_name,
    'user_id' as column_name,
    profiles.user_id as value,
    count(*) as n_rows
from staging.profiles
group by profiles.user_id
union all
select
    'profiles' as input_name,
    'gender' as column_name,
    profiles.gender as value,
    count(*) as n_rows
from staging.profiles
group by profiles.gender
union all
select
    'profiles' as input_name,
    'age' as column_name,
    cast(profiles.age as varchar) as value,
    count(*) as n_rows
from staging.profiles
group by profiles.age
union all
select
    'profiles' as input_name,
    'country' as column_name,
    profiles.country as value,
    count(*) as n_rows
from staging.profiles
group by profiles.country
union all
select
    'profiles' as input_name,
    'signup' as column_name,
    profiles.signup as value,
    count(*) as n_rows
from staging.profiles
group by profiles.signup
