-- The most popular items of train: what a newcomer is shown.
-- grain:  rank
-- check:  n_users <= n_events

select
    -- 1 is the most popular; ties go to the smaller item_id
    item_popularity.rank,
    item_popularity.item_id,
    items.item_name,
    -- train events of the item
    item_popularity.n_events,
    -- distinct train users of the item
    item_popularity.n_users,
    -- what ranks it: events or users, by popular_by, decayed by popularity_half_life_days
    item_popularity.score
from features.item_popularity
inner join core.items
    on item_popularity.item_id = items.item_id
where item_popularity.rank <= $popular_n
order by item_popularity.rank
