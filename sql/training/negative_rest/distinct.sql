-- The negatives that draws did not give, from all candidates that are left, each weighed.
-- grain:     user_idx, draw
-- why:       the items first in the order of -ln(u) / weight are those that drawing one by one
--            without replacement gives, and what is drawn already changes nothing for the others:
--            so both ways may follow each other.
-- source:    Efraimidis, Spirakis 2006, Weighted random sampling with a reservoir
-- for each:  training.negative_rest_blocks
-- only if:   negative_ratio

with
-- one row per pair of the block that met or is drawn already
taken_pairs as (
    select
        met_pairs.user_idx,
        met_pairs.item_idx
    from training.met_pairs
    where met_pairs.user_idx between $first_user_idx and $last_user_idx
    union all
    select
        negative_draws.user_idx,
        negative_draws.item_idx
    from training.negative_draws
    where
        negative_draws.user_idx between $first_user_idx and $last_user_idx
        and not $negative_repeats
),

-- one row per user of the block and item, with the draws that it takes on average
weighed_pairs as (
    select
        negative_shortfalls.user_idx,
        negative_shortfalls.user_id,
        negative_shortfalls.n_draws,
        negative_shortfalls.n_missing,
        negative_shortfalls.horizon,
        negative_items.item_idx,
        negative_totals.n_units / cast(negative_items.n_units as double) as n_draws_per_hit
    from training.negative_shortfalls
    cross join training.negative_items
    cross join training.negative_totals
    where
        negative_shortfalls.user_idx between $first_user_idx and $last_user_idx
        and not $negative_repeats
),

-- one row per pair left, with the moment at which it is drawn
timed_pairs as (
    select
        weighed_pairs.user_idx,
        weighed_pairs.item_idx,
        weighed_pairs.n_draws,
        weighed_pairs.n_missing,
        weighed_pairs.horizon,
        weighed_pairs.n_draws - ln(
            unit_hash(
                concat(
                    'negative_rest|', cast($seed as varchar),
                    '|', cast(weighed_pairs.user_id as varchar),
                    '|', cast(weighed_pairs.item_idx as varchar)
                )
            )
        ) * weighed_pairs.n_draws_per_hit as drawn_at
    from weighed_pairs
    left join taken_pairs
        on weighed_pairs.user_idx = taken_pairs.user_idx
        and weighed_pairs.item_idx = taken_pairs.item_idx
    where taken_pairs.user_idx is null
),

-- one row per pair left, with its turn
ranked_pairs as (
    select
        timed_pairs.user_idx,
        timed_pairs.item_idx,
        timed_pairs.n_draws,
        timed_pairs.n_missing,
        timed_pairs.horizon,
        timed_pairs.drawn_at,
        row_number() over (
            partition by timed_pairs.user_idx
            order by round(timed_pairs.drawn_at, 9), timed_pairs.item_idx
        ) as turn
    from timed_pairs
)

select
    ranked_pairs.user_idx,
    ranked_pairs.item_idx,
    -- number of the draw: it goes on where the user's draws ended
    cast(ranked_pairs.n_draws + ranked_pairs.turn as bigint) as draw,
    -- moment of the draw
    round(ranked_pairs.drawn_at, 9) as drawn_at
from ranked_pairs
where
    ranked_pairs.turn <= ranked_pairs.n_missing
    and (ranked_pairs.horizon is null or ranked_pairs.drawn_at <= ranked_pairs.horizon)
