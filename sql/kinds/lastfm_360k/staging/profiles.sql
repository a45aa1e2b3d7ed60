-- The listeners with what they tell of themselves, each once, or why not.
-- grain:         user_id
-- why:           of a repeated user the smallest row wins, missing values last: the order of files
--                does not matter. Blanks mean missing.
-- check (warn):  not is_bad_age -- an age that is no integer counts as missing
-- gate of:       files.profiles
-- harmless:      not_selected

with
-- one row per row of the profile files, blanks as null
read_profiles as (
    select
        nullif(trim(profiles.user_id), '') as user_id,
        nullif(trim(profiles.gender), '') as gender,
        nullif(trim(profiles.age), '') as age_text,
        nullif(trim(profiles.country), '') as country,
        nullif(trim(profiles.signup), '') as signup,
        profiles.bad_line,
        profiles.bad_value
    from files.profiles
),

-- one row per row of the profile files, with its turn among the rows of its user
numbered_profiles as (
    select
        read_profiles.user_id,
        read_profiles.gender,
        read_profiles.age_text,
        -- nine digits are enough for any age, and any sum of them is a bigint
        case
            when regexp_matches(read_profiles.age_text, '^[+-]?0*[0-9]{1,9}$')
                then try_cast(read_profiles.age_text as integer)
        end as age,
        read_profiles.country,
        read_profiles.signup,
        read_profiles.bad_line,
        read_profiles.bad_value,
        row_number() over (
            partition by read_profiles.user_id
            order by
                read_profiles.gender nulls last,
                read_profiles.age_text nulls last,
                read_profiles.country nulls last,
                read_profiles.signup nulls last
        ) as turn
    from read_profiles
)

select
    numbered_profiles.user_id,
    -- f, m or what else the source says
    numbered_profiles.gender,
    -- years, as written, absurd ones too; null where it is no integer
    numbered_profiles.age,
    -- an age is written, and is no integer
    numbered_profiles.age_text is not null and numbered_profiles.age is null as is_bad_age,
    -- its name in English
    numbered_profiles.country,
    -- day of signing up, as written
    numbered_profiles.signup,
    numbered_profiles.bad_value as rejected_value,
    case
        when numbered_profiles.bad_line then 'bad_line'
        when numbered_profiles.user_id is null then 'missing_user_id'
        when numbered_profiles.turn > 1 then 'duplicate_user_id'
        when
            $gender is not null
            and coalesce(numbered_profiles.gender, '') <> coalesce($gender, '')
            then 'not_selected'
        when
            unit_hash(
                concat('user_sample|', cast($seed as varchar), '|', numbered_profiles.user_id)
            ) >= $user_sample
            then 'not_selected'
    end as reject_reason
from numbered_profiles
