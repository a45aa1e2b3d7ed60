-- Items whose list of similar items is shorter than similar_k, under each measure.
-- grain:  measure, item_id
-- why:    a counted item that shares enough baskets with too few others can't have more; those with
--         no neighbour at all are here with 0. Items in no counted basket are not, nor any where
--         pairs are not counted (features.pair_blocks).
-- as:     view

with
-- one row per measure and item with a list
listed_items as (
    select
        item_similarity.measure,
        item_similarity.item_id,
        count(*) as n_similar
    from features.item_similarity
    group by item_similarity.measure, item_similarity.item_id
)

select
    similarity_measures.measure,
    items.item_id,
    -- length of the list, 0 where there is none
    coalesce(listed_items.n_similar, 0) as n_similar
from features.item_baskets
inner join core.items
    on item_baskets.item_idx = items.item_idx
cross join features.similarity_measures
left join listed_items
    on similarity_measures.measure = listed_items.measure
    and items.item_id = listed_items.item_id
where
    coalesce(listed_items.n_similar, 0) < $similar_k
    and ($similar_source = 'pairs' or list_contains($models, 'item_knn'))
