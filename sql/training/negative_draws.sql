-- The draws of each user that hit an item never met, as many as are wanted.
-- grain:     user_idx, draw
-- why:       a point drawn on the line of candidates is an item drawn by weight. Skipping met items
--            and items drawn before is drawing without replacement among those never met,
--            renormalised draw by draw. With negative_repeats items drawn before count again.
--            Drawn over all, each user draws once per unit of time on average (a Poisson process),
--            and training.negative_cut ends all users at one moment: no pair is favoured.
-- for each:  training.negative_blocks

with
-- one row per draw, as a point on the line of candidates
drawn_points as (
    select
        negative_numbers.user_idx,
        negative_numbers.draw,
        negative_totals.n_slot_units,
        case when $negative_scope = 'all' then negative_numbers.pause end as pause,
        least(
            cast(floor(negative_numbers.place * negative_totals.n_units) as bigint),
            negative_totals.n_units - 1
        ) as unit
    from training.negative_numbers
    cross join training.negative_totals
    where negative_numbers.user_idx between $first_user_idx and $last_user_idx
),

-- one row per draw, with its moment: the pauses up to it, or its number
timed_points as (
    select
        drawn_points.user_idx,
        drawn_points.draw,
        drawn_points.n_slot_units,
        drawn_points.unit,
        cast(drawn_points.draw as double) as drawn_at
    from drawn_points
    where $negative_scope = 'user'
    union all
    select
        drawn_points.user_idx,
        drawn_points.draw,
        drawn_points.n_slot_units,
        drawn_points.unit,
        cast(
            sum(cast(round(-1e9 * ln(drawn_points.pause)) as bigint)) over (
                partition by drawn_points.user_idx
                order by drawn_points.draw
                rows between unbounded preceding and current row
            ) as bigint
        ) / 1e9 as drawn_at
    from drawn_points
    where $negative_scope = 'all'
),

-- one row per pair of the block that met
block_pairs as (
    select
        met_pairs.user_idx,
        met_pairs.item_idx
    from training.met_pairs
    where met_pairs.user_idx between $first_user_idx and $last_user_idx
),

-- one row per draw of an item never met
unmet_draws as (
    select
        timed_points.user_idx,
        timed_points.draw,
        timed_points.drawn_at,
        negative_slots.item_idx
    from timed_points
    inner join training.negative_slots
        on timed_points.unit // timed_points.n_slot_units = negative_slots.slot
        and timed_points.unit >= negative_slots.first_unit
        and timed_points.unit < negative_slots.first_unit + negative_slots.n_units
    left join block_pairs
        on timed_points.user_idx = block_pairs.user_idx
        and negative_slots.item_idx = block_pairs.item_idx
    where block_pairs.user_idx is null
),

-- one row per draw that counts
counting_draws as (
    select
        unmet_draws.user_idx,
        unmet_draws.item_idx,
        min(unmet_draws.draw) as draw,
        min(unmet_draws.drawn_at) as drawn_at
    from unmet_draws
    where not $negative_repeats
    group by unmet_draws.user_idx, unmet_draws.item_idx
    union all
    select
        unmet_draws.user_idx,
        unmet_draws.item_idx,
        unmet_draws.draw,
        unmet_draws.drawn_at
    from unmet_draws
    where $negative_repeats
),

-- one row per draw that counts, with its turn among the user's
ranked_draws as (
    select
        counting_draws.user_idx,
        counting_draws.item_idx,
        counting_draws.draw,
        counting_draws.drawn_at,
        row_number() over (
            partition by counting_draws.user_idx
            order by counting_draws.draw
        ) as turn
    from counting_draws
)

select
    ranked_draws.user_idx,
    ranked_draws.item_idx,
    -- number of the draw among all of the user's
    ranked_draws.draw,
    -- moment of the draw: its number, or drawn over all the time it came
    ranked_draws.drawn_at
from ranked_draws
inner join training.negative_quotas
    on ranked_draws.user_idx = negative_quotas.user_idx
where
    ranked_draws.turn <= negative_quotas.n_wanted
    or ranked_draws.drawn_at <= negative_quotas.horizon
