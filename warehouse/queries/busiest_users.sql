-- The twenty users with most events, and how many different items they met.
select
    interactions.user_id,
    any_value(users.user_name) as user_name,
    cast(sum(interactions.n_events) as bigint) as n_events,
    count(*) as n_items
from core.interactions
join core.users using (user_id)
group by interactions.user_id
order by n_events desc, interactions.user_id
limit 20
