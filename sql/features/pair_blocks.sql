-- Ranges of items whose pairs are counted together, about $pairs_per_block pairs each.
-- grain:  first_item_idx
-- why:    equal pairs, not equal items, make blocks of equal memory; the size is a parameter and
--         never follows the machine's memory, so that the parts are the same everywhere. What all
--         pairs cost is told before: there is no block where features.pair_costs has no row.
-- check:  first_item_idx <= last_item_idx

with
-- one row per basket row, with the items of its basket that come after it
later_items as (
    select
        basket_items.item_idx,
        count(*) over (partition by basket_items.basket_idx)
        - row_number() over (
            partition by basket_items.basket_idx
            order by basket_items.item_idx
        ) as n_later
    from features.basket_items
    cross join features.pair_costs
),

-- one row per item
item_loads as (
    select
        later_items.item_idx,
        cast(sum(later_items.n_later) as bigint) as n_pairs
    from later_items
    group by later_items.item_idx
),

-- one row per item, with the pairs before it
running_loads as (
    select
        item_loads.item_idx,
        item_loads.n_pairs,
        cast(sum(item_loads.n_pairs) over (order by item_loads.item_idx) as bigint)
        - item_loads.n_pairs as n_before
    from item_loads
)

select
    -- the block's items, in the order of item_idx
    min(running_loads.item_idx) as first_item_idx,
    max(running_loads.item_idx) as last_item_idx,
    -- pair rows that the block's self-join makes, an upper bound of its distinct pairs
    cast(sum(running_loads.n_pairs) as bigint) as n_pair_rows
from running_loads
group by running_loads.n_before // $pairs_per_block
