-- What stands for missing and absurd ages, and how many there were.
-- grain:  age_mean
-- why:    raw is as once published: an absurd age becomes the mean that it still counts in, a
--         missing one the mean of the column cleaned so far. With valid both become the mean of the
--         ages from 0 to 100. Sums are of integers.

with
-- one row: sums and counts of the ages
age_sums as (
    select
        count(*) as n_users,
        cast(count(*) filter (where profiles.age is null) as bigint) as n_missing,
        cast(count(*) filter (where profiles.is_bad_age) as bigint) as n_bad,
        cast(count(*) filter (where profiles.age not between 0 and 100) as bigint) as n_absurd,
        cast(count(*) filter (where profiles.age between 0 and 100) as bigint) as n_valid,
        cast(count(*) filter (where profiles.country is null) as bigint) as n_blank_countries,
        cast(coalesce(sum(profiles.age), 0) as bigint) as age_sum,
        cast(
            coalesce(sum(profiles.age) filter (where profiles.age between 0 and 100), 0) as bigint
        ) as valid_age_sum
    from staging.profiles
),

-- one row: what an absurd age becomes
absurd_ages as (
    select
        age_sums.n_users,
        age_sums.n_missing,
        age_sums.n_bad,
        age_sums.n_absurd,
        age_sums.n_valid,
        age_sums.n_blank_countries,
        age_sums.valid_age_sum,
        case $age_mean
            when 'raw' then cast(age_sums.age_sum as double)
                / nullif(age_sums.n_valid + age_sums.n_absurd, 0)
            else cast(age_sums.valid_age_sum as double) / nullif(age_sums.n_valid, 0)
        end as absurd_age_becomes
    from age_sums
)

select
    -- the variant: raw or valid
    $age_mean as age_mean,
    -- users with a profile
    absurd_ages.n_users,
    -- ages outside 0 to 100
    absurd_ages.n_absurd as n_absurd_ages,
    -- ages that are missing, those that are no integer included
    absurd_ages.n_missing as n_missing_ages,
    -- ages that are written and no integer
    absurd_ages.n_bad as n_bad_ages,
    -- users without a country
    absurd_ages.n_blank_countries,
    -- years; null where no age gives a mean
    absurd_ages.absurd_age_becomes,
    -- years; null where no age gives a mean
    case $age_mean
        when 'raw' then (
            cast(absurd_ages.valid_age_sum as double)
            + absurd_ages.n_absurd * coalesce(absurd_ages.absurd_age_becomes, 0e0)
        ) / nullif(absurd_ages.n_valid + absurd_ages.n_absurd, 0)
        else absurd_ages.absurd_age_becomes
    end as missing_age_becomes
from absurd_ages
