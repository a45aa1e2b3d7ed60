-- What user_knn knows of each user beside plays: a clean age on a scale from 0 to 1, and a country.
-- grain:  user_id
-- why:    gender and day of signing up are not used. Where all ages are equal, or none is known,
--         age tells nobody apart: 0.
-- check:  age_share between 0 and 1

with
-- one row per user, with the age that counts
cleaned_ages as (
    select
        users.user_id,
        users.user_idx,
        profiles.country,
        case
            when profiles.age between 0 and 100 then cast(profiles.age as double)
            when profiles.age is null then profile_cleaning.missing_age_becomes
            else profile_cleaning.absurd_age_becomes
        end as age
    from core.users
    inner join staging.profiles
        on users.user_id = profiles.user_id
    cross join core.profile_cleaning
),

-- one row: the youngest and the oldest
age_bounds as (
    select
        min(cleaned_ages.age) as youngest,
        max(cleaned_ages.age) as oldest
    from cleaned_ages
)

select
    cleaned_ages.user_id,
    cleaned_ages.user_idx,
    -- years; a mean of core.profile_cleaning where it was missing or absurd
    cleaned_ages.age,
    -- 0 the youngest to 1 the oldest of all
    coalesce(
        (cleaned_ages.age - age_bounds.youngest)
        / nullif(age_bounds.oldest - age_bounds.youngest, 0),
        0e0
    ) as age_share,
    -- its name in English; null where the source has none
    cleaned_ages.country
from cleaned_ages
cross join age_bounds
