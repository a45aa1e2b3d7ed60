-- How often each item of the catalogue was met, over all events.
-- grain:  item_id
-- why:    for people, not for models: it counts test rows too. Models read
--         features.item_popularity. Items nobody met are here with 0.
-- check:  n_users <= n_events

with
-- one row per item that was met
met_items as (
    select
        interactions.item_id,
        cast(sum(interactions.n_events) as bigint) as n_events,
        count(*) as n_users
    from core.interactions
    group by interactions.item_id
)

select
    items.item_id,
    items.item_name,
    -- events of the item, 0 where nobody met it
    coalesce(met_items.n_events, 0) as n_events,
    -- distinct users who met it
    coalesce(met_items.n_users, 0) as n_users
from core.items
left join met_items
    on items.item_id = met_items.item_id
