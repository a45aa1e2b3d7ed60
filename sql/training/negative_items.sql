-- The items that may be drawn as negatives, each with its weight in whole units on one long line.
-- grain:    item_idx
-- why:      a point drawn on the line is an item drawn by its weight. An item without train events
--           is no candidate, and drawn over all only items of positives are. A power is kept to six
--           digits, so that the line is the same on every machine.
-- check:    n_units >= 1 and first_unit >= 0
-- only if:  negative_ratio

with
-- one row per user that negatives are drawn for, where they are drawn over all
drawing_users as (
    select positives.user_idx
    from training.positives
    where $negative_scope = 'all'
    group by positives.user_idx
),

-- one row per item of a positive, where negatives are drawn over all
positive_items as (
    select positives.item_idx
    from training.positives
    where $negative_scope = 'all'
    group by positives.item_idx
),

-- one row per item that one of those users met
met_items as (
    select
        met_pairs.item_idx,
        count(*) as n_users
    from training.met_pairs
    inner join drawing_users
        on met_pairs.user_idx = drawing_users.user_idx
    group by met_pairs.item_idx
),

-- one row per candidate
weighted_items as (
    select
        items.item_idx,
        coalesce(met_items.n_users, 0) as n_users,
        case $negative_sampling
            when 'popularity' then item_popularity.n_events
            when 'uniform' then cast(1 as bigint)
            when 'power' then cast(
                round(1e6 * pow(cast(item_popularity.n_events as double), $negative_alpha))
                as bigint
            )
        end as n_units
    from features.item_popularity
    inner join core.items
        on item_popularity.item_id = items.item_id
    left join positive_items
        on items.item_idx = positive_items.item_idx
    left join met_items
        on items.item_idx = met_items.item_idx
    where $negative_scope = 'user' or positive_items.item_idx is not null
)

select
    weighted_items.item_idx,
    -- users with positives who met it, where negatives are drawn over all; else 0
    weighted_items.n_users,
    -- its weight: train events, 1, or their power in units of 1e-6, by negative_sampling
    weighted_items.n_units,
    -- units of the items before it
    cast(
        sum(weighted_items.n_units) over (
            order by weighted_items.item_idx
            rows between unbounded preceding and current row
        ) as bigint
    ) - weighted_items.n_units as first_unit
from weighted_items
