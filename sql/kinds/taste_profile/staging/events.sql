-- The plays of songs that the catalogue has, as events, or why not.
-- grain:     none
-- why:       a row is an event whose weight is its number of plays. A number of more than 12 digits
--            fits no weight and is bad, too.
-- gate of:   files.plays
-- for each:  files.plays

select
    plays.user_id,
    plays.song_id as item_id,
    cast(case when plays.freq between 1 and 999999999999 then plays.freq end as decimal(18, 6))
        as weight,
    -- plays are counted over all time
    cast(null as timestamp) as occurred_at,
    cast(null as varchar) as basket_id,
    cast(null as integer) as position,
    plays.source_file,
    case
        when plays.bad_line then plays.bad_value
        when plays.user_id is null or plays.song_id is null then cast(null as varchar)
        when plays.freq not between 1 and 999999999999 then cast(plays.freq as varchar)
        else plays.bad_value
    end as rejected_value,
    case
        when plays.bad_line then 'bad_line'
        when plays.user_id is null then 'missing_user_id'
        when plays.song_id is null then 'missing_song_id'
        when plays.freq is null or plays.freq not between 1 and 999999999999 then 'bad_freq'
        when songs.song_id is null then 'song_not_in_catalog'
    end as reject_reason
from files.plays
left join staging.songs
    on plays.song_id = songs.song_id
