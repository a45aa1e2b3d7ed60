-- The baskets that are counted, with the distinct items that each holds.
-- grain:  basket_idx
-- why:    N is their number. A basket's share of a walk that leaves it by any of its items is 1 /
--         its items, in fixed point: sums are the same in any order of adding.
-- check:  n_items >= 1

select
    basket_items.basket_idx,
    -- distinct items in the basket
    count(*) as n_items,
    -- 1 / n_items in units of 1e-12
    cast(round(1e12 / count(*)) as bigint) as n_share_units
from features.basket_items
group by basket_items.basket_idx
