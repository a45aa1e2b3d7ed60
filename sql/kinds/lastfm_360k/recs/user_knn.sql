-- The lists of user_knn with the artists' names.
-- grain:  user_id, rank
-- as:     view

select
    personal.user_id,
    personal.rank,
    personal.item_id,
    items.item_name,
    -- mean over the user's neighbours of nearness times the share of their plays
    personal.score
from recs.personal
inner join core.items
    on personal.item_id = items.item_id
where personal.model_name = 'user_knn'
