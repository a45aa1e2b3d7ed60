-- Measures and ranges of items that features.item_similarity ranks together.
-- grain:  measure, first_item_idx
-- why:    a measure a part, so that each is made by itself, and again only when its own parameter
--         changes; about $pairs_per_block pairs a range, so that each fits in memory. None where
--         pairs are not counted (features.pair_blocks).
-- check:  first_item_idx <= last_item_idx

with
-- one row per item, with the pair rows of the items before it
running_loads as (
    select
        item_baskets.item_idx,
        cast(sum(item_baskets.n_pair_rows) over (order by item_baskets.item_idx) as bigint)
        - item_baskets.n_pair_rows as n_before
    from features.item_baskets
    where $similar_source = 'pairs' or list_contains($models, 'item_knn')
),

-- one row per range
item_ranges as (
    select
        min(running_loads.item_idx) as first_item_idx,
        max(running_loads.item_idx) as last_item_idx
    from running_loads
    group by running_loads.n_before // $pairs_per_block
)

select
    similarity_measures.measure,
    -- value of the parameter in the measure's formula
    similarity_measures.exponent,
    -- digits behind the point that decide an order
    similarity_measures.n_digits,
    item_ranges.first_item_idx,
    item_ranges.last_item_idx
from item_ranges
cross join features.similarity_measures
