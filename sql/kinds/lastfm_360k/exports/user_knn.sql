-- The artists that user_knn recommends to each user, a row each.
-- file:           user_knn.csv

select
    user_knn.user_id,
    user_knn.rank,
    user_knn.item_id as artist_id,
    user_knn.item_name as name,
    user_knn.score
from recs.user_knn
order by user_knn.user_id, user_knn.rank
