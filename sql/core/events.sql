-- Every kept event: a user met an item, once a row.
-- grain:         none
-- why:           a multiset: a user may meet an item twice in one second, and both rows count. The
--                filters come in the order of their reasons: small histories, items, users, k-core.
-- check:         weight >= 0
-- check (warn):  occurred_at is null or occurred_at <= cast(now() as timestamp)
--                -- events from the future of the build that read them
-- gate of:       staging.events
-- harmless:      user_small_history, item_below_top, item_below_minimum, user_below_minimum,
--                below_k_core

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
        when dropped_users.reason = 'user_small_history' then dropped_users.reason
        when dropped_items.reason is not null then dropped_items.reason
        when dropped_users.reason is not null then dropped_users.reason
        when peeled_users.user_idx is not null or peeled_items.item_idx is not null
            then 'below_k_core'
    end as reject_reason
from staging.events
left join core.users
    on events.user_id = users.user_id
left join core.items
    on events.item_id = items.item_id
left join core.dropped_users
    on users.user_idx = dropped_users.user_idx
left join core.dropped_items
    on items.item_idx = dropped_items.item_idx
left join core.peeled_users
    on users.user_idx = peeled_users.user_idx
left join core.peeled_items
    on items.item_idx = peeled_items.item_idx
