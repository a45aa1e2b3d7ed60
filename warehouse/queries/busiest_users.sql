-- The twenty users with most events, and how many different items they met.
select
    user_id,
    user_name,
    n_events,
    n_items
from core.user_counts
where n_events > 0
order by n_events desc, user_id
limit 20
