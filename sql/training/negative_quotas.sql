-- How many negatives each user gets, and how many draws are made for them.
-- grain:         user_idx
-- why:           draws suffice for all but a few users, who go on in training.negative_rest. A user
--                who needs more draws than half the items makes none: all candidates are weighed.
--                Counts alone decide that. Drawn over all, each user's draws come at random times,
--                one per unit of time, up to a horizon where all have enough.
-- check:         n_draws >= 0
-- check (warn):  n_asked is null or n_wanted = n_asked
--                -- users who have met too much to get as many negatives as asked for: they get all
-- only if:       negative_ratio

with
-- one row per user with positives
positive_users as (
    select
        positives.user_idx,
        count(*) as n_positives
    from training.positives
    group by positives.user_idx
),

-- one row per user who met candidates
met_users as (
    select
        met_pairs.user_idx,
        count(*) as n_met,
        cast(sum(negative_items.n_units) as bigint) as n_units
    from training.met_pairs
    inner join training.negative_items
        on met_pairs.item_idx = negative_items.item_idx
    group by met_pairs.user_idx
),

-- one row per user with positives; rounded: 0.1 * 30 is 3, not 3.0000000000000004
counted_users as (
    select
        positive_users.user_idx,
        positive_users.n_positives,
        coalesce(met_users.n_met, 0) as n_met,
        negative_totals.n_items - coalesce(met_users.n_met, 0) as n_candidates,
        (negative_totals.n_units - coalesce(met_users.n_units, 0))
        / nullif(cast(negative_totals.n_units as double), 0) as unmet_share,
        cast(ceil(round($negative_ratio * positive_users.n_positives, 6)) as bigint) as n_asked
    from positive_users
    cross join training.negative_totals
    left join met_users
        on positive_users.user_idx = met_users.user_idx
),

-- one row per user with positives; with all met items drawn too, so many different ones are needed
wanting_users as (
    select
        counted_users.user_idx,
        counted_users.n_positives,
        counted_users.n_candidates,
        counted_users.unmet_share,
        counted_users.n_asked,
        case
            when counted_users.n_candidates = 0 then cast(0 as bigint)
            when $negative_repeats then counted_users.n_asked
            else least(counted_users.n_asked, counted_users.n_candidates)
        end as n_wanted,
        counted_users.n_met + counted_users.n_asked
        + cast(ceil(4 * sqrt(counted_users.n_asked)) as bigint) as n_needed
    from counted_users
),

-- one row per number of different items that users need: the draws that give as many
needed_draws as (
    select
        wanting_users.n_needed,
        cast(ceil(min(negative_horizons.n_draws)) as bigint) as n_draws
    from wanting_users
    inner join training.negative_horizons
        on negative_horizons.n_expected >= wanting_users.n_needed
    where $negative_scope = 'user' and not $negative_repeats
    group by wanting_users.n_needed
),

-- one row: what is needed over all, with nine standard deviations to spare, and what draws find
needed_pairs as (
    select
        max(negative_totals.n_wanted) + 9 * sqrt(max(negative_totals.n_wanted)) + 25 as n_needed,
        cast(sum(cast(round(1e9 * wanting_users.unmet_share) as bigint)) as bigint) / 1e9
            as n_unmet_per_draw
    from wanting_users
    cross join training.negative_totals
    where $negative_scope = 'all'
),

-- one row: the horizon of all users; null where all candidates are weighed
horizons as (
    select
        case
            when $negative_repeats
                then max(needed_pairs.n_needed) / nullif(max(needed_pairs.n_unmet_per_draw), 0)
            else min(negative_horizons.n_draws)
        end as horizon
    from needed_pairs
    left join training.negative_horizons
        on negative_horizons.n_expected >= needed_pairs.n_needed
)

select
    wanting_users.user_idx,
    users.user_id,
    -- distinct items of the user's positives
    wanting_users.n_positives,
    -- items that may be drawn and that the user has not met
    wanting_users.n_candidates,
    -- negative_ratio times the positives, rounded up; null where negatives are drawn over all
    case when $negative_scope = 'user' then wanting_users.n_asked end as n_asked,
    -- negatives that the user gets; null where they are drawn over all
    case when $negative_scope = 'user' then wanting_users.n_wanted end as n_wanted,
    -- draws made by weight over all candidates, met ones among them; 0 where each is weighed
    cast(
        case
            when wanting_users.n_candidates = 0 then 0
            when $negative_scope = 'all' then coalesce(
                case
                    when
                        $negative_repeats
                        or 2 * (horizons.horizon + 9 * sqrt(horizons.horizon) + 15)
                        <= negative_totals.n_items
                        then ceil(horizons.horizon + 9 * sqrt(horizons.horizon) + 15)
                end,
                0
            )
            when not $negative_repeats then coalesce(needed_draws.n_draws, 0)
            when
                wanting_users.n_wanted + 9 * sqrt(wanting_users.n_wanted) + 20
                <= 8 * wanting_users.unmet_share
                * (wanting_users.n_wanted + wanting_users.n_candidates)
                then ceil(
                    (wanting_users.n_wanted + 9 * sqrt(wanting_users.n_wanted) + 20)
                    / nullif(wanting_users.unmet_share, 0)
                )
            else 0
        end as bigint
    ) as n_draws,
    -- moment up to which draws count where they are made over all; null where all count
    case when $negative_scope = 'all' then horizons.horizon end as horizon
from wanting_users
cross join training.negative_totals
cross join horizons
inner join core.users
    on wanting_users.user_idx = users.user_idx
left join needed_draws
    on wanting_users.n_needed = needed_draws.n_needed
