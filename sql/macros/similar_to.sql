-- What is similar to the items of a name or an id, best first: from similar_to('Radiohead').
-- arguments: wanted_name

select
    similar_items.item_id,
    items.item_name,
    similar_items.rank,
    similar_items.similar_item_id,
    similar_names.item_name as similar_item_name,
    similar_items.score
from core.items
inner join recs.similar_items
    on items.item_id = similar_items.item_id
inner join core.items as similar_names
    on similar_items.similar_item_id = similar_names.item_id
where
    lower(items.item_name) = lower(cast(wanted_name as varchar))
    or cast(items.item_id as varchar) = cast(wanted_name as varchar)
order by similar_items.item_id, similar_items.rank
