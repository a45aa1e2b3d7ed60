-- The artists that user_knn recommends to each user, best first: a record a user.
-- file:           user_knn.jsonl

select
    user_knn.user_id,
    list(user_knn.item_id order by user_knn.rank) as items
from recs.user_knn
group by user_knn.user_id
order by user_knn.user_id
