-- How much of users × items is filled: the density that collaborative filtering lives on.
with active_users as (
    select
        count(*) as n_users,
        cast(sum(n_items) as bigint) as n_pairs,
        cast(sum(n_events) as bigint) as n_events
    from core.user_counts
    where n_events > 0
),
met_items as (
    select count(*) as n_items
    from core.item_counts
    where n_events > 0
)
select
    n_users,
    n_items,
    coalesce(n_pairs, 0) as n_pairs,
    coalesce(n_events, 0) as n_events,
    round(100.0 * n_pairs / nullif(n_users * n_items, 0), 6) as density_percent,
    round(n_pairs / nullif(n_users, 0), 2) as items_per_user
from active_users
cross join met_items
