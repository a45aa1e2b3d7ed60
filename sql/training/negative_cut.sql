-- Where draws over all users and items end: the last of them that counts; one row, or none.
-- grain:  n_wanted
-- why:    the first n_wanted in the order of their moments. Counted in a million steps of time
--         first, so that only the rows of one step are sorted. That the horizon did not suffice
--         has a chance below 1e-15, and fails the check.
-- check:  n_drawn >= n_wanted

with
-- one row per draw, where negatives are drawn over all
drawn_moments as (
    select
        negative_draws.user_idx,
        negative_draws.draw,
        negative_draws.drawn_at
    from training.negative_draws
    where $negative_scope = 'all'
    union all
    select
        negative_rest.user_idx,
        negative_rest.draw,
        negative_rest.drawn_at
    from training.negative_rest
    where $negative_scope = 'all'
),

-- one row: the last moment, null where there are no draws
last_moments as (
    select
        max(drawn_moments.drawn_at) as last_at,
        count(*) as n_drawn
    from drawn_moments
),

-- one row per step of time with draws
counted_steps as (
    select
        floor(1e6 * drawn_moments.drawn_at / nullif(last_moments.last_at, 0)) as step,
        count(*) as n_draws
    from drawn_moments
    cross join last_moments
    group by floor(1e6 * drawn_moments.drawn_at / nullif(last_moments.last_at, 0))
),

-- one row per step, with the draws before it
running_steps as (
    select
        counted_steps.step,
        counted_steps.n_draws,
        cast(sum(counted_steps.n_draws) over (order by counted_steps.step) as bigint)
        - counted_steps.n_draws as n_before
    from counted_steps
),

-- one row per draw of the step in which draws end, with its turn among all
ranked_draws as (
    select
        drawn_moments.user_idx,
        drawn_moments.draw,
        drawn_moments.drawn_at,
        running_steps.n_before + row_number() over (
            order by drawn_moments.drawn_at, drawn_moments.user_idx, drawn_moments.draw
        ) as turn
    from drawn_moments
    cross join last_moments
    inner join running_steps
        on floor(1e6 * drawn_moments.drawn_at / nullif(last_moments.last_at, 0))
        = running_steps.step
    cross join training.negative_totals
    where
        running_steps.n_before < negative_totals.n_wanted
        and running_steps.n_before + running_steps.n_draws >= negative_totals.n_wanted
)

select
    -- the last draw that counts
    ranked_draws.drawn_at as last_at,
    ranked_draws.user_idx as last_user_idx,
    ranked_draws.draw as last_draw,
    -- negatives over all
    negative_totals.n_wanted,
    -- draws of pairs never met up to the horizon
    last_moments.n_drawn
from training.negative_totals
cross join last_moments
left join ranked_draws
    on negative_totals.n_wanted = ranked_draws.turn
where $negative_scope = 'all' and negative_totals.n_wanted > 0
