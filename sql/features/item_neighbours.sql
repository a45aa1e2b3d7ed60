-- Each item's neighbours under the chosen measure, above the threshold.
-- grain:  item_id, rank
-- why:    what recs.similar_items and item_knn both read, so that they agree on who is similar.
-- as:     view

select
    item_similarity.item_id,
    -- place among the neighbours of item_id, 1 is most similar
    item_similarity.rank,
    -- the neighbour
    item_similarity.similar_item_id,
    -- similarity under similar_measure
    item_similarity.score
from features.item_similarity
where
    item_similarity.measure = $similar_measure
    and ($similar_threshold is null or item_similarity.score > $similar_threshold)
