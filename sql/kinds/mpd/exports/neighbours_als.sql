-- A line an item: the item, then the items nearest to it in the factors of als, best first.
-- file:  neighbours_als.txt

select
    concat_ws(
        ' ',
        item_neighbours.item_id,
        string_agg(item_neighbours.similar_item_id, ' ' order by item_neighbours.rank)
    ) as line
from models.item_neighbours
where item_neighbours.model_name = 'als'
group by item_neighbours.item_id
order by item_neighbours.item_id
