-- With negative_repeats, the negatives that draws did not give, drawn from the user's own line.
-- grain:     user_idx, draw
-- why:       the candidates left to a user who has met nearly all lie on a line of their own, and a
--            point on it is an item drawn by weight. Points and items are put in one order, where
--            a point takes the last item that begins before it: no product of the two.
-- for each:  training.negative_rest_blocks

with
-- one row per user of the block and candidate, with the units before it on the user's line
candidate_lines as (
    select
        negative_shortfalls.user_idx,
        negative_items.item_idx,
        cast(
            sum(negative_items.n_units) over (
                partition by negative_shortfalls.user_idx
                order by negative_items.item_idx
                rows between unbounded preceding and current row
            ) as bigint
        ) - negative_items.n_units as first_unit,
        cast(
            sum(negative_items.n_units) over (partition by negative_shortfalls.user_idx) as bigint
        ) as n_line_units
    from training.negative_shortfalls
    cross join training.negative_items
    left join training.met_pairs
        on negative_shortfalls.user_idx = met_pairs.user_idx
        and negative_items.item_idx = met_pairs.item_idx
    where
        $negative_repeats
        and negative_shortfalls.user_idx between $first_user_idx and $last_user_idx
        and met_pairs.user_idx is null
),

-- one row per negative to be found
missing_draws as (
    select
        negative_shortfalls.user_idx,
        negative_shortfalls.user_id,
        negative_shortfalls.n_draws + unnested.place as draw
    from training.negative_shortfalls
    cross join unnest(generate_series(1, negative_shortfalls.n_missing)) as unnested(place)
    where
        $negative_repeats
        and negative_shortfalls.user_idx between $first_user_idx and $last_user_idx
),

-- one row per candidate, and one per draw at its point of the user's line
line_points as (
    select
        candidate_lines.user_idx,
        candidate_lines.first_unit as unit,
        cast(0 as bigint) as draw,
        candidate_lines.item_idx
    from candidate_lines
    union all
    select
        missing_draws.user_idx,
        cast(
            floor(
                candidate_lines.n_line_units * unit_hash(
                    concat(
                        'negative_repeats|', cast($seed as varchar),
                        '|', cast(missing_draws.user_id as varchar),
                        '|', cast(missing_draws.draw as varchar)
                    )
                )
            ) as bigint
        ) as unit,
        missing_draws.draw,
        cast(null as integer) as item_idx
    from missing_draws
    inner join candidate_lines
        on missing_draws.user_idx = candidate_lines.user_idx and candidate_lines.first_unit = 0
),

-- one row per candidate and per draw, with the item last begun: items lie in the order of item_idx
found_items as (
    select
        line_points.user_idx,
        line_points.draw,
        max(line_points.item_idx) over (
            partition by line_points.user_idx
            order by line_points.unit, line_points.draw
            rows between unbounded preceding and current row
        ) as item_idx
    from line_points
)

select
    found_items.user_idx,
    found_items.item_idx,
    -- number of the draw: it goes on where the user's draws ended
    found_items.draw,
    -- moment of the draw: its number
    cast(found_items.draw as double) as drawn_at
from found_items
where found_items.draw > 0
