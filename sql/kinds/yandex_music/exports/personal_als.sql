-- What als recommends to each user with a train row, best first.
-- file:  personal_als.parquet

select
    personal.user_id,
    personal.item_id,
    personal.score
from recs.personal
where personal.model_name = 'als'
order by personal.user_id, personal.rank
