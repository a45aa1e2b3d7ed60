-- Every kept event: a user met an item, once a row.
-- grain:         none
-- why:           a multiset: a user may meet an item twice in one second, and both rows count. The
--                filters come in the order of their reasons: small histories, items, users, k-core.
--                A return takes its weight off the latest events of its pair, after a cutoff too:
--                what is left is what the user kept. The filters count events before returns.
-- check:         weight >= 0
-- check (warn):  occurred_at is null or occurred_at <= cast(now() as timestamp)
--                -- events from the future of the build: --set max_time=DATE rejects them
-- check (warn):  occurred_at is null or occurred_at >= timestamp '1990-01-01 00:00:00'
--                -- events before 1990: is their time_unit s, ms, us or ns?
-- gate of:       staging.events
-- harmless:      user_small_history, item_below_top, item_below_minimum, user_below_minimum,
--                below_k_core

with
-- one row per event, where returns are netted, with what its pair's later events and returns weigh
paired_events as (
    select
        events.user_id,
        events.item_id,
        events.weight,
        events.occurred_at,
        events.basket_id,
        events.position,
        events.source_file,
        cast(
            sum(case when events.weight > 0 then events.weight else 0 end) over (
                partition by
                    events.user_id,
                    events.item_id,
                    coalesce(events.occurred_at > $max_time, false)
                order by
                    events.occurred_at desc nulls last,
                    events.position desc nulls last,
                    events.basket_id desc nulls last,
                    events.source_file desc nulls last,
                    events.weight desc nulls last
                rows between unbounded preceding and 1 preceding
            ) as decimal(28, 6)
        ) as later_weight,
        cast(
            sum(case when events.weight < 0 then -events.weight else 0 end) over (
                partition by
                    events.user_id,
                    events.item_id,
                    coalesce(events.occurred_at > $max_time, false)
            ) as decimal(28, 6)
        ) as returned_weight
    from staging.events
    where $negative_weight = 'net'
),

-- one row per event, with the part of its weight that came back
returned_events as (
    select
        paired_events.user_id,
        paired_events.item_id,
        paired_events.weight,
        paired_events.occurred_at,
        paired_events.basket_id,
        paired_events.position,
        paired_events.source_file,
        case
            when paired_events.weight > 0 then least(
                paired_events.weight,
                greatest(
                    paired_events.returned_weight - coalesce(paired_events.later_weight, 0), 0
                )
            )
            else 0
        end as returned
    from paired_events
    union all
    select
        events.user_id,
        events.item_id,
        events.weight,
        events.occurred_at,
        events.basket_id,
        events.position,
        events.source_file,
        0 as returned
    from staging.events
    where $negative_weight = 'reject'
)

select
    events.user_id,
    events.item_id,
    -- weight of the event, less what of it was returned
    cast(
        case
            when events.returned < events.weight then events.weight - events.returned
            else events.weight
        end as decimal(18, 6)
    ) as weight,
    events.occurred_at,
    events.basket_id,
    events.position,
    events.source_file,
    case
        when events.user_id is null then 'missing_user_id'
        when events.item_id is null then 'missing_item_id'
        when events.weight is null or (events.weight < 0 and $negative_weight = 'reject')
            then 'bad_weight'
        when events.occurred_at > $max_time then 'after_max_time'
        when events.weight < 0 then 'return'
        when events.weight > 0 and events.returned >= events.weight then 'returned'
        when users.user_id is null then 'user_not_in_catalog'
        when items.item_id is null then 'item_not_in_catalog'
        when dropped_users.reason = 'user_small_history' then dropped_users.reason
        when dropped_items.reason is not null then dropped_items.reason
        when dropped_users.reason is not null then dropped_users.reason
        when peeled_users.user_idx is not null or peeled_items.item_idx is not null
            then 'below_k_core'
    end as reject_reason
from returned_events as events
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
