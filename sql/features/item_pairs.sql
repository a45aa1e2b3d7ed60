-- Pairs of items that share baskets, with what one pass over the baskets tells of them, each once.
-- grain:     item_idx, other_item_idx
-- why:       thresholds on n_baskets belong to the readers: n(i), T(i) and N come from all pairs.
--            A block of the smaller item at a time keeps the count of a self-join within memory;
--            its rows lie in the order of the larger, so that either item's pairs are found fast.
-- check:     item_idx < other_item_idx and n_baskets >= 1 and n_share_units >= 1
-- for each:  features.pair_blocks

with
-- one row per basket row of the block's items
block_items as (
    select
        basket_items.basket_idx,
        basket_items.item_idx,
        counted_baskets.n_share_units
    from features.basket_items
    inner join features.counted_baskets
        on basket_items.basket_idx = counted_baskets.basket_idx
    where basket_items.item_idx between $first_item_idx and $last_item_idx
)

select
    left_items.item_idx,
    -- the larger index of the two
    right_items.item_idx as other_item_idx,
    -- baskets that hold both, n, 1 or more
    count(*) as n_baskets,
    -- sum over those baskets of 1 / the items in each, in units of 1e-12
    cast(sum(left_items.n_share_units) as bigint) as n_share_units
from block_items as left_items
inner join features.basket_items as right_items
    on left_items.basket_idx = right_items.basket_idx
    and left_items.item_idx < right_items.item_idx
group by left_items.item_idx, right_items.item_idx
order by right_items.item_idx, left_items.item_idx
