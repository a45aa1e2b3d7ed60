-- The demo's plays: 2,500 listeners over a year, each with two favourite genres.
-- grain:  none
-- why:    a listener may play an artist twice in one second. Three plays of four are of a favourite
--         genre, and places are drawn as share to the power of 2.5: a long tail with taste in it.
--         Evenings are busier than mornings; listeners join all through the year.

with
-- one row per listener
listeners as (
    select
        cast(unnested.user_id as bigint) as user_id,
        least(400, cast(floor(35 / sqrt(unit_hash(concat('demo_plays|', $seed, '|', unnested.user_id)))) as bigint)) as n_plays,
        cast(floor(300 * unit_hash(concat('demo_joined|', $seed, '|', unnested.user_id))) as bigint) as joined_day,
        cast(floor(12 * unit_hash(concat('demo_first|', $seed, '|', unnested.user_id))) as bigint) + 1 as first_genre_id,
        cast(floor(12 * unit_hash(concat('demo_second|', $seed, '|', unnested.user_id))) as bigint) + 1 as second_genre_id
    from unnest(generate_series(1, 2500)) as unnested(user_id)
),

-- one row per play, with its draws
drawn_plays as (
    select
        listeners.user_id,
        listeners.joined_day,
        case
            when unit_hash(concat('demo_taste|', $seed, '|', listeners.user_id, '|', unnested.play)) < 0.45 then listeners.first_genre_id
            when unit_hash(concat('demo_taste|', $seed, '|', listeners.user_id, '|', unnested.play)) < 0.75 then listeners.second_genre_id
        end as genre_id,
        unit_hash(concat('demo_lost|', $seed, '|', listeners.user_id, '|', unnested.play)) < 0.002 as is_lost,
        power(unit_hash(concat('demo_item|', $seed, '|', listeners.user_id, '|', unnested.play)), 2.5e0) as place_share,
        unit_hash(concat('demo_day|', $seed, '|', listeners.user_id, '|', unnested.play)) as day_share,
        sqrt(unit_hash(concat('demo_hour|', $seed, '|', listeners.user_id, '|', unnested.play))) as hour_share
    from listeners
    cross join unnest(generate_series(1, listeners.n_plays)) as unnested(play)
),

-- one row per play, with its artist and time
placed_plays as (
    select
        drawn_plays.user_id,
        coalesce(genre_items.item_id, any_items.item_id) as item_id,
        drawn_plays.is_lost,
        drawn_plays.joined_day
        + cast(floor((365 - drawn_plays.joined_day) * drawn_plays.day_share) as bigint) as played_day,
        cast(floor(86400 * drawn_plays.hour_share) as bigint) as played_second
    from drawn_plays
    left join demo.items as genre_items
        on drawn_plays.genre_id = genre_items.genre_id
        and cast(floor(drawn_plays.place_share * genre_items.n_genre_items) as bigint) = genre_items.genre_place
    inner join demo.items as any_items
        on cast(floor(drawn_plays.place_share * 2000) as bigint) = any_items.place
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
