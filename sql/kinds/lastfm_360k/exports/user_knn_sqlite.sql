-- The artists that user_knn recommends to each user, best first: a row a user, by its id.
-- file:           user_knn.sqlite

select
    user_knn.user_id,
    cast(to_json(list(user_knn.item_id order by user_knn.rank)) as varchar) as items
from recs.user_knn
group by user_knn.user_id
order by user_knn.user_id
