-- The plays: how often a user played an artist, the most played first.
-- grain:  none
-- why:    the id of an artist may be missing in several rows of a user.

with
-- one row per user and artist, with its draws
drawn_plays as (
    select
        picked_items.user_number,
        picked_items.turn,
        picked_items.item_number as artist_number,
        -- the user's plays of the first artist
        30 * pow(1 - draw($seed, 'listening', picked_items.user_number), -0.9e0) as most_plays,
        draw($seed, 'blank', picked_items.user_number, picked_items.turn) as blank_share,
        draw($seed, 'respelled', picked_items.item_number) < $artists_respelled as is_respelled,
        draw($seed, 'spelling', picked_items.user_number, picked_items.turn) as spelling_share,
        made_up_name(picked_items.item_number, true) as artist_name
    from generate.picked_items
)

select
    sha1_like($seed, drawn_plays.user_number) as user_id,
    case
        when drawn_plays.blank_share >= $artist_ids_blank
            then uuid_like($seed, drawn_plays.artist_number)
    end as artist_id,
    case
        when drawn_plays.blank_share >= 1 - $artist_names_blank then null
        when not drawn_plays.is_respelled or drawn_plays.spelling_share >= $rows_other_spelling
            then drawn_plays.artist_name
        when drawn_plays.spelling_share < 0.4e0 * $rows_other_spelling
            then lower(drawn_plays.artist_name)
        when drawn_plays.spelling_share < 0.7e0 * $rows_other_spelling
            then upper(drawn_plays.artist_name)
        when drawn_plays.spelling_share < 0.9e0 * $rows_other_spelling
            then concat('The ', drawn_plays.artist_name)
        else concat(drawn_plays.artist_name, ' (band)')
    end as artist_name,
    case
        when draw($seed, 'counts_bad', drawn_plays.user_number, drawn_plays.turn) < $counts_bad
            then 0
        else cast(ceil(
            least(80000, drawn_plays.most_plays) / pow(1 + drawn_plays.turn, 0.8e0)
        ) as bigint)
    end as plays
from drawn_plays
