-- Who met the items of a name, most events first: from who_plays('Radiohead').
-- arguments: wanted_name

select
    interactions.user_id,
    users.user_name,
    items.item_name,
    interactions.n_events,
    interactions.last_at
from core.interactions
inner join core.items
    on interactions.item_id = items.item_id
inner join core.users
    on interactions.user_id = users.user_id
where lower(items.item_name) = lower(wanted_name)
order by interactions.n_events desc, interactions.user_id
