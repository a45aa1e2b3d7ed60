-- What is similar to each track of train, best first, by id and name.
-- file:  similar_items.parquet

select
    similar_items.item_id,
    similar_items.similar_item_id as sim_item_id,
    similar_items.score,
    items.item_name,
    others.item_name as sim_item_name
from recs.similar_items
inner join core.items
    on similar_items.item_id = items.item_id
inner join core.items as others
    on similar_items.similar_item_id = others.item_id
order by similar_items.item_id, similar_items.rank
