-- Items similar to each item: what is shown beside it.
-- grain:  item_id, rank
-- why:    items that share no basket with others have no list.

select
    item_neighbours.item_id,
    -- place in the item's list, 1 is most similar
    item_neighbours.rank,
    -- the neighbour
    item_neighbours.similar_item_id,
    -- bigger is more similar
    item_neighbours.score,
    -- where the list comes from: pairs
    'pairs' as source
from features.item_neighbours
order by item_neighbours.item_id, item_neighbours.rank
