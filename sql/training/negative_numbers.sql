-- Two uniform numbers for each draw of each user.
-- grain:   none
-- why:     a user and draw a row, not counted again: they are made here, by the hundred million. A
--          Feistel cipher of the draw's number under the user's keys: six rounds, a CTE each, of
--          squares modulo the prime 1,073,741,789, the largest below 2^30. All stays below 2^63, so
--          that every engine finds the same.
-- source:  Luby, Rackoff 1988, How to construct pseudorandom permutations from pseudorandom
--          functions; squares: Albrecht and others 2016, MiMC
-- as:      view

with
-- one row per draw
draws as (
    select
        negative_keys.user_idx,
        negative_keys.key_1,
        negative_keys.key_2,
        negative_keys.key_3,
        negative_keys.key_4,
        unnested.draw
    from training.negative_keys
    cross join unnest(generate_series(1, negative_keys.n_draws)) as unnested(draw)
),

-- one row per draw
first_lanes as (
    select
        draws.user_idx,
        draws.draw,
        draws.key_1,
        draws.key_2,
        draws.key_3,
        (draws.key_4 + (draws.draw + draws.key_1) * (draws.draw + draws.key_1)) % 1073741789
            as lane_1
    from draws
),

-- one row per draw
second_lanes as (
    select
        lanes.user_idx,
        lanes.draw,
        lanes.key_1,
        lanes.key_2,
        lanes.key_3,
        lanes.lane_1,
        (lanes.draw + (lanes.lane_1 + lanes.key_2) * (lanes.lane_1 + lanes.key_2)) % 1073741789
            as lane_2
    from first_lanes as lanes
),

-- one row per draw
third_lanes as (
    select
        lanes.user_idx,
        lanes.draw,
        lanes.key_1,
        lanes.key_2,
        lanes.key_3,
        lanes.lane_2,
        (lanes.lane_1 + (lanes.lane_2 + lanes.key_3) * (lanes.lane_2 + lanes.key_3)) % 1073741789
            as lane_3
    from second_lanes as lanes
),

-- one row per draw
fourth_lanes as (
    select
        lanes.user_idx,
        lanes.draw,
        lanes.key_2,
        lanes.key_3,
        lanes.lane_3,
        (lanes.lane_2 + (lanes.lane_3 + lanes.key_1) * (lanes.lane_3 + lanes.key_1)) % 1073741789
            as lane_4
    from third_lanes as lanes
),

-- one row per draw
fifth_lanes as (
    select
        lanes.user_idx,
        lanes.draw,
        lanes.key_3,
        lanes.lane_3,
        lanes.lane_4,
        (lanes.lane_3 + (lanes.lane_4 + lanes.key_2) * (lanes.lane_4 + lanes.key_2)) % 1073741789
            as lane_5
    from fourth_lanes as lanes
),

-- one row per draw
sixth_lanes as (
    select
        lanes.user_idx,
        lanes.draw,
        lanes.lane_3,
        lanes.lane_5,
        (lanes.lane_4 + (lanes.lane_5 + lanes.key_3) * (lanes.lane_5 + lanes.key_3)) % 1073741789
            as lane_6
    from fifth_lanes as lanes
)

select
    lanes.user_idx,
    -- 1 is the user's first
    lanes.draw,
    -- where on the line of candidates the draw falls, as a share of it
    (lanes.lane_5 + (lanes.lane_6 + 0.5e0) / 1073741789) / 1073741789 as place,
    -- what the time since the draw before is made of, where times count
    (lanes.lane_3 + 0.5e0) / 1073741789 as pause
from sixth_lanes as lanes
