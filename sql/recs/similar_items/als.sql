-- Items similar to each item by the factors of als: what is shown beside it.
-- grain:  item_id, rank
-- why:    empty unless similar_source = factors: factor_neighbours asks for the neighbours alone.

select
    item_neighbours.item_id,
    -- place in the item's list, 1 is most similar
    item_neighbours.rank,
    -- the neighbour
    item_neighbours.similar_item_id,
    -- bigger is more similar
    item_neighbours.score,
    -- where the list comes from: pairs or factors
    'factors' as source
from models.item_neighbours
where $similar_source = 'factors' and item_neighbours.model_name = 'als'
order by item_neighbours.item_id, item_neighbours.rank
