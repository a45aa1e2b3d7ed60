-- The rows of the play files that the build asks for: of one gender, of a sample of users, or all.
-- grain:     none
-- why:       copied once: everything after reads this and never the files again. A row without a
--            user is of no one who could be left out; staging.plays judges it.
-- gate of:   files.plays
-- harmless:  not_selected
-- for each:  files.plays

with
-- one row per row of the file, blanks as null
read_plays as (
    select
        nullif(trim(plays.user_id), '') as user_id,
        nullif(trim(plays.artist_id), '') as artist_id,
        nullif(trim(plays.artist_name), '') as artist_name,
        nullif(trim(plays.plays), '') as plays,
        plays.bad_line,
        plays.bad_value,
        plays.source_file
    from files.plays
)

select
    read_plays.user_id,
    -- the artist's key at MusicBrainz; null where the source has none
    read_plays.artist_id,
    -- one of the artist's spellings; quotes are part of it
    read_plays.artist_name,
    -- times that the user played the artist, as written
    read_plays.plays,
    read_plays.source_file,
    read_plays.bad_value as rejected_value,
    case
        when read_plays.bad_line then 'bad_line'
        when
            $gender is not null
            and read_plays.user_id is not null
            and profiles.user_id is null
            then 'not_selected'
        when
            $user_sample < 1
            and read_plays.user_id is not null
            and unit_hash(
                concat(
                    'user_sample|', cast($seed as varchar), '|', coalesce(read_plays.user_id, '')
                )
            ) >= $user_sample
            then 'not_selected'
    end as reject_reason
from read_plays
left join staging.profiles
    on read_plays.user_id = profiles.user_id
