-- Items similar to each item by the baskets they share: what is shown beside it.
-- grain:  item_id, rank
-- why:    items that share no basket with others have no list; where similar_source = factors none
--         has one here, and the part als has them all.

select
    item_neighbours.item_id,
    -- place in the item's list, 1 is most similar
    item_neighbours.rank,
    -- the neighbour
    item_neighbours.similar_item_id,
    -- bigger is more similar
    item_neighbours.score,
    -- where the list comes from: pairs or factors
    'pairs' as source
from features.item_neighbours
where $similar_source = 'pairs'
order by item_neighbours.item_id, item_neighbours.rank
