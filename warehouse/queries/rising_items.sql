-- What rises: items with more train events in the last window than in the one before it, most steeply first.
select
    items.item_name,
    item_popularity.item_id,
    item_popularity.n_before,
    item_popularity.n_recent,
    round(item_popularity.trend, 2) as trend
from features.item_popularity
join core.items using (item_id)
where item_popularity.n_recent > item_popularity.n_before
order by item_popularity.trend desc, item_popularity.item_id
limit 20
