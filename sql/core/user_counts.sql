-- How much each user of the source met, over all events.
-- grain:  user_id
-- why:    for people, not for models: it counts test rows too. Models read features.user_activity.
--         Users who met nothing are here with 0.
-- check:  n_items <= n_events

with
-- one row per user who met something
active_users as (
    select
        interactions.user_id,
        cast(sum(interactions.n_events) as bigint) as n_events,
        count(*) as n_items
    from core.interactions
    group by interactions.user_id
)

select
    users.user_id,
    users.user_name,
    -- events of the user, 0 who met nothing
    coalesce(active_users.n_events, 0) as n_events,
    -- distinct items met
    coalesce(active_users.n_items, 0) as n_items
from core.users
left join active_users
    on users.user_id = active_users.user_id
