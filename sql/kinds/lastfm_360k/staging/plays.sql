-- How often each listener played each artist, or why the row does not count.
-- grain:    none
-- why:      several rows of one user and artist add up later. More than twelve digits are no count
--           of plays: they would not fit a weight.
-- gate of:  staging.selected_plays

with
-- one row per selected row, its plays as a number where they are an integer
counted_plays as (
    select
        selected_plays.user_id,
        selected_plays.artist_id,
        selected_plays.artist_name,
        case
            when regexp_matches(selected_plays.plays, '^[+-]?0*[0-9]{1,12}$')
                then try_cast(selected_plays.plays as bigint)
        end as plays,
        selected_plays.plays as plays_text,
        selected_plays.source_file
    from staging.selected_plays
)

select
    counted_plays.user_id,
    -- the artist's key at MusicBrainz
    counted_plays.artist_id,
    -- one of the artist's spellings
    counted_plays.artist_name,
    -- times that the user played the artist
    counted_plays.plays,
    counted_plays.source_file,
    case
        when
            counted_plays.user_id is not null
            and counted_plays.artist_id is not null
            and counted_plays.artist_name is not null
            and coalesce(counted_plays.plays, 0) < 1
            then counted_plays.plays_text
    end as rejected_value,
    case
        when counted_plays.user_id is null then 'missing_user_id'
        when counted_plays.artist_id is null then 'missing_artist_id'
        when counted_plays.artist_name is null then 'missing_artist_name'
        when coalesce(counted_plays.plays, 0) < 1 then 'bad_plays'
        when profiles.user_id is null then 'user_not_in_profiles'
    end as reject_reason
from counted_plays
left join staging.profiles
    on counted_plays.user_id = profiles.user_id
