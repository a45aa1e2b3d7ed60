-- The demo's plays: 2,500 listeners over a year, each with two favourite genres.
-- grain:  none
-- why:    a listener may play an artist twice in one second. Three plays of four are of a favourite
--         genre, and places are drawn as share to the power of 2.5: a long tail with taste in it.
--         Evenings are busier than mornings; listeners join all through the year.

with
-- one row per listener, with the key of its draws
keyed_listeners as (
    select
        cast(unnested.user_id as bigint) as user_id,
        concat(cast($seed as varchar), '|', cast(unnested.user_id as varchar)) as draw_key
    from unnest(generate_series(1, 2500)) as unnested(user_id)
),

-- one row per listener
listeners as (
    select
        keyed_listeners.user_id,
        keyed_listeners.draw_key,
        35 / sqrt(unit_hash(concat('demo_plays|', keyed_listeners.draw_key))) as plays_drawn,
        cast(floor(300 * unit_hash(concat('demo_joined|', keyed_listeners.draw_key))) as bigint)
            as joined_day,
        cast(floor(12 * unit_hash(concat('demo_first|', keyed_listeners.draw_key))) as bigint) + 1
            as first_genre_id,
        cast(floor(12 * unit_hash(concat('demo_second|', keyed_listeners.draw_key))) as bigint) + 1
            as second_genre_id
    from keyed_listeners
),

-- one row per play, with the key of its draws
keyed_plays as (
    select
        listeners.user_id,
        listeners.joined_day,
        listeners.first_genre_id,
        listeners.second_genre_id,
        concat(listeners.draw_key, '|', cast(unnested.play as varchar)) as draw_key
    from listeners
    cross join unnest(
        generate_series(1, least(400, cast(floor(listeners.plays_drawn) as bigint)))
    ) as unnested(play)
),

-- one row per play, with its draws
drawn_plays as (
    select
        keyed_plays.user_id,
        keyed_plays.joined_day,
        keyed_plays.first_genre_id,
        keyed_plays.second_genre_id,
        unit_hash(concat('demo_taste|', keyed_plays.draw_key)) as taste_share,
        pow(unit_hash(concat('demo_item|', keyed_plays.draw_key)), 2.5e0) as place_share,
        unit_hash(concat('demo_day|', keyed_plays.draw_key)) as day_share,
        sqrt(unit_hash(concat('demo_hour|', keyed_plays.draw_key))) as hour_share,
        unit_hash(concat('demo_lost|', keyed_plays.draw_key)) < 0.002e0 as is_lost
    from keyed_plays
),

-- one row per play, with the genre it is of, null for any
tasted_plays as (
    select
        drawn_plays.user_id,
        case
            when drawn_plays.taste_share < 0.45e0 then drawn_plays.first_genre_id
            when drawn_plays.taste_share < 0.75e0 then drawn_plays.second_genre_id
        end as genre_id,
        drawn_plays.place_share,
        drawn_plays.joined_day
        + cast(floor((365 - drawn_plays.joined_day) * drawn_plays.day_share) as bigint)
            as played_day,
        cast(floor(86400 * drawn_plays.hour_share) as bigint) as played_second,
        drawn_plays.is_lost
    from drawn_plays
),

-- one row per play, with its artist
placed_plays as (
    select
        tasted_plays.user_id,
        coalesce(genre_items.item_id, any_items.item_id) as item_id,
        tasted_plays.is_lost,
        tasted_plays.played_day,
        tasted_plays.played_second
    from tasted_plays
    left join demo.artists as genre_items
        on tasted_plays.genre_id = genre_items.genre_id
        and cast(floor(tasted_plays.place_share * genre_items.n_genre_items) as bigint)
        = genre_items.genre_place
    inner join demo.artists as any_items
        on cast(floor(tasted_plays.place_share * 2000) as bigint) = any_items.place
)

select
    placed_plays.user_id,
    -- one play in 500 lost its artist
    case when not placed_plays.is_lost then placed_plays.item_id end as item_id,
    cast(1 as decimal(18, 6)) as weight,
    timestamp '2025-01-01 00:00:00' + interval 1 day * placed_plays.played_day
    + interval 1 second * placed_plays.played_second as occurred_at,
    -- a listener's day
    placed_plays.user_id * 1000 + placed_plays.played_day as basket_id
from placed_plays
