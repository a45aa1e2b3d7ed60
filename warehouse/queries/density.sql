-- How much of users × items is filled: the density that collaborative filtering lives on.
select
    count(distinct user_id) as n_users,
    count(distinct item_id) as n_items,
    count(*) as n_pairs,
    cast(sum(n_events) as bigint) as n_events,
    round(100.0 * count(*) / nullif(count(distinct user_id) * count(distinct item_id), 0), 6) as density_percent,
    round(count(*) / nullif(count(distinct user_id), 0), 2) as items_per_user
from core.interactions
