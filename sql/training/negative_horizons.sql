-- How many different negatives so many draws give, for numbers of draws a tenth apart.
-- grain:    n_draws
-- why:      what decides how many draws a user gets, so that few have too few; by counts alone. Up
--           to half as many draws as items: beyond that all candidates are weighed instead. Drawn
--           over all, draws are those of one user and items those of all users.
-- check:    n_expected >= 0
-- only if:  negative_ratio

with
-- one row per weight that items have
unit_classes as (
    select
        negative_items.n_units,
        count(*) as n_items,
        cast(sum(negative_items.n_users) as bigint) as n_users
    from training.negative_items
    where not $negative_repeats
    group by negative_items.n_units
),

-- one row per number of draws: 1.1 to the power of -60 and on
steps as (
    select unnested.step
    from unnest(generate_series(-60, 220)) as unnested(step)
),

-- one row per number of draws that is of use
drawn_steps as (
    select
        round(pow(1.1e0, steps.step), 6) as n_draws,
        negative_totals.n_units,
        negative_totals.n_users
    from steps
    cross join training.negative_totals
    where 2 * round(pow(1.1e0, steps.step), 6) <= negative_totals.n_items
)

select
    drawn_steps.n_draws,
    -- distinct items of one user, its met ones counted; or pairs never met, of all users
    cast(
        sum(
            cast(
                round(
                    1e3 * case
                        when $negative_scope = 'user' then unit_classes.n_items
                        else drawn_steps.n_users * unit_classes.n_items - unit_classes.n_users
                    end
                    * (
                        1 - exp(
                            -drawn_steps.n_draws * unit_classes.n_units
                            / nullif(cast(drawn_steps.n_units as double), 0)
                        )
                    )
                ) as bigint
            )
        ) as bigint
    ) / 1e3 as n_expected
from drawn_steps
cross join unit_classes
group by drawn_steps.n_draws
