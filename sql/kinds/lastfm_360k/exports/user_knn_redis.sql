-- The artists that user_knn recommends to each user, best first: a key a user, to be piped into a
-- Redis server.
-- file:           user_knn.resp

select
    user_knn.user_id,
    cast(to_json(list(user_knn.item_id order by user_knn.rank)) as varchar) as items
from recs.user_knn
group by user_knn.user_id
order by user_knn.user_id
