-- What is recommended to a user, each model's list with names: from recommend_for(17).
-- arguments: wanted_user_id

select
    personal.model_name,
    personal.rank,
    personal.item_id,
    items.item_name,
    personal.score
from recs.personal
inner join core.items
    on personal.item_id = items.item_id
where cast(personal.user_id as varchar) = cast(wanted_user_id as varchar)
order by personal.model_name, personal.rank
