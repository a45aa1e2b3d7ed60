-- The profiles as the original text: id, gender, age, country and day of sign-up between tabs.
-- grain:  none
-- why:    these are the bytes of a file, whose last line has no end. A blank field is missing.

with
-- one row per user
users as (
    select unnest(generate_series(0, $n_users - 1)) as user_number
),

-- one row per profile, with its draws
drawn_profiles as (
    select
        users.user_number,
        draw($seed, 'gender', users.user_number) as gender_share,
        draw($seed, 'age', users.user_number) as age_share,
        -- 16 to 75, the young the most
        16 + cast(floor(60 * pow(draw($seed, 'years', users.user_number), 2.5e0)) as bigint) as age,
        draw($seed, 'country', users.user_number) as country_share,
        -- the first countries have the most users
        cast(floor(16 * pow(draw($seed, 'country_place', users.user_number), 2.0e0)) as bigint) + 1
            as country_place,
        date '2002-10-29'
        + cast(floor(2500 * sqrt(draw($seed, 'signup', users.user_number))) as integer)
            as signed_up_date
    from users
    where
        -- a user without plays has a profile
        scattered(users.user_number, $n_users, $seed_shift) >= $n_long + $n_few
        or draw($seed, 'profiles_missing', users.user_number) >= $profiles_missing
)

select
    encode(concat(
        case when row_number() over () > 1 then chr(10) else '' end,
        sha1_like($seed, drawn_profiles.user_number),
        chr(9),
        case
            when drawn_profiles.gender_share < $genders_blank then ''
            when drawn_profiles.gender_share < 0.35e0 then 'f'
            else 'm'
        end,
        chr(9),
        case
            when drawn_profiles.age_share < $ages_blank then ''
            when drawn_profiles.age_share >= 1 - $ages_absurd
                then ['-1337', '-9', '101', '120', '1009'][drawn_profiles.age % 5 + 1]
            else cast(drawn_profiles.age as varchar)
        end,
        chr(9),
        case
            when drawn_profiles.country_share >= $countries_blank then [
                'United States', 'Germany', 'United Kingdom', 'Poland', 'Russian Federation',
                'Brazil', 'Sweden', 'Spain', 'Finland', 'Netherlands', 'Japan',
                'Korea, Republic of', 'Côte d''Ivoire', 'Iran, Islamic Republic of',
                'Åland Islands', 'Virgin Islands, U.s.'
            ][drawn_profiles.country_place]
        end,
        chr(9),
        strftime(drawn_profiles.signed_up_date, '%b %-d, %Y')
    )) as line
from drawn_profiles
