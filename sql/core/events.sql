-- Every kept event: a user met an item, once a row.
-- grain:    none
-- why:      a multiset: a user may meet an item twice in one second, and both rows count.
-- check:    weight >= 0
-- gate of:  staging.events

select
    events.user_id,
    events.item_id,
    events.weight,
    events.occurred_at,
    events.basket_id,
    events.position,
    events.source_file,
    case
        when events.user_id is null then 'missing_user_id'
        when events.item_id is null then 'missing_item_id'
        when events.weight is null or events.weight < 0 then 'bad_weight'
        when users.user_id is null then 'user_not_in_catalog'
        when items.item_id is null then 'item_not_in_catalog'
    end as reject_reason
from staging.events
left join core.users
    on events.user_id = users.user_id
left join core.items
    on events.item_id = items.item_id
