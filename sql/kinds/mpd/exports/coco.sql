-- A line an item: the item, then the items it shares most baskets with, best first.
-- file:  coco.txt
-- why:   under similar_measure and above similar_threshold; an item that shares none has no line.

select
    concat_ws(
        ' ',
        item_neighbours.item_id,
        string_agg(item_neighbours.similar_item_id, ' ' order by item_neighbours.rank)
    ) as line
from features.item_neighbours
group by item_neighbours.item_id
order by item_neighbours.item_id
