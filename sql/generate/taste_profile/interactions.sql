-- The play counts: who played which song how often.
-- grain:  user_id, song_id

select
    sha1_like($seed, picked_items.user_number) as user_id,
    song_id_of($seed, picked_items.item_number) as song_id,
    case
        when draw($seed, 'counts_bad', picked_items.user_number, picked_items.turn) < $counts_bad
            then 0
        -- six of ten are 1, one of a hundred is above 20
        else least(5000, cast(floor(pow(
            1 - draw($seed, 'freq', picked_items.user_number, picked_items.turn), -0.7e0
        )) as bigint))
    end as freq
from generate.picked_items
