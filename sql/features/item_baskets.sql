-- In how many counted baskets each item is, and what else those hold.
-- grain:  item_idx
-- why:    from all baskets and pairs, before any threshold: a threshold removes pairs, it never
--         changes the totals that they are measured against.
-- check:  n_baskets between 1 and n_all_baskets

with
-- one row: how many there are
all_baskets as (
    select count(*) as n_all_baskets
    from features.counted_baskets
)

select
    basket_items.item_idx,
    -- counted baskets that hold the item, n(i)
    count(*) as n_baskets,
    -- sum of the item's pair counts, T(i): over its baskets, the other items in each
    cast(sum(counted_baskets.n_items - 1) as bigint) as n_pair_rows,
    -- counted baskets in all, N; the same in every row
    all_baskets.n_all_baskets
from features.basket_items
inner join features.counted_baskets
    on basket_items.basket_idx = counted_baskets.basket_idx
cross join all_baskets
group by basket_items.item_idx, all_baskets.n_all_baskets
