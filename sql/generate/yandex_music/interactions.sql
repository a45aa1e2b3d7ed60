-- The events: what each user played, in order, over the year 2022.
-- grain:  user_id, track_seq
-- why:    the times of a user never go back: each is drawn within its share of what the user has of
--         the year. A user and a track may meet again.

with
-- one row per event, with its draws
drawn_events as (
    select
        picked_items.user_number,
        picked_items.turn,
        track_id_of(picked_items.item_number, $n_items, $seed_shift) as track_id,
        draw($seed, 'track_unknown', picked_items.user_number, picked_items.turn) < $tracks_unknown
            as is_unknown,
        -- users join all through the first 300 days
        floor(300 * draw($seed, 'joined', picked_items.user_number)) as joined_day,
        (picked_items.turn + draw($seed, 'day', picked_items.user_number, picked_items.turn))
        / picked_items.n_rows as time_share,
        draw($seed, 'nanoseconds', picked_items.user_number, picked_items.turn)
        < $times_in_nanoseconds as is_last_nanosecond
    from generate.picked_items
)

select
    cast(drawn_events.user_number as integer) as user_id,
    cast(drawn_events.track_id + case when drawn_events.is_unknown then 1 else 0 end as integer)
        as track_id,
    cast(drawn_events.turn + 1 as smallint) as track_seq,
    make_timestamp_ns(
        1640995200000000000
        + 86400000000000 * cast(floor(
            drawn_events.joined_day + (365 - drawn_events.joined_day) * drawn_events.time_share
        ) as bigint)
        + case when drawn_events.is_last_nanosecond then 86399999999999 else 0 end
    ) as started_at,
    -- the original has this stray column of pandas', too
    row_number() over () - 1 as __index_level_0__
from drawn_events
