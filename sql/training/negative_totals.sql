-- What negatives are drawn from, and how many over all; one row.
-- grain:         n_items
-- check (warn):  n_asked is null or n_wanted = n_asked
--                -- fewer pairs never met than asked for: all of them are negatives
-- only if:       negative_ratio

with
-- one row
item_totals as (
    select
        count(*) as n_items,
        coalesce(cast(sum(negative_items.n_units) as bigint), 0) as n_units,
        coalesce(cast(sum(negative_items.n_users) as bigint), 0) as n_met
    from training.negative_items
),

-- one row per user with positives
positive_users as (
    select
        positives.user_idx,
        count(*) as n_positives
    from training.positives
    group by positives.user_idx
),

-- one row
user_totals as (
    select
        count(*) as n_users,
        coalesce(cast(sum(positive_users.n_positives) as bigint), 0) as n_positives
    from positive_users
),

-- one row; rounded: 0.1 * 30 is 3, not 3.0000000000000004
counted_pairs as (
    select
        item_totals.n_items,
        item_totals.n_units,
        user_totals.n_users,
        user_totals.n_positives,
        user_totals.n_users * item_totals.n_items - item_totals.n_met as n_candidates,
        cast(ceil(round($negative_ratio * user_totals.n_positives, 6)) as bigint) as n_asked
    from item_totals
    cross join user_totals
)

select
    -- items that may be drawn
    counted_pairs.n_items,
    -- their weights added up
    counted_pairs.n_units,
    -- units of one slot of training.negative_slots, so that there are about as many as items
    (counted_pairs.n_units + counted_pairs.n_items - 1) // nullif(counted_pairs.n_items, 0)
        as n_slot_units,
    -- users with positives
    counted_pairs.n_users,
    counted_pairs.n_positives,
    -- drawn over all: pairs of these users and items that never met; else null
    case when $negative_scope = 'all' then counted_pairs.n_candidates end as n_candidates,
    -- drawn over all: the ratio times the positives, rounded up
    case when $negative_scope = 'all' then counted_pairs.n_asked end as n_asked,
    -- drawn over all: negatives there can be
    case
        when $negative_scope = 'user' then cast(null as bigint)
        when counted_pairs.n_candidates = 0 then cast(0 as bigint)
        when $negative_repeats then counted_pairs.n_asked
        else least(counted_pairs.n_asked, counted_pairs.n_candidates)
    end as n_wanted
from counted_pairs
