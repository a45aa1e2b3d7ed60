-- The events of train, each with the basket it stands in and how lately its item was met there.
-- grain:  none
-- why:    a basket is what basket_by says: a user, a session of a user, or the source's own basket;
--         its key is text, so that any fits. Each way is a branch, so that a build pays only for
--         the one it chose: sessions and recency sort every event.
-- as:     view

with
-- one row per event with a time, where sessions are asked for: whether it opens one
opening_events as (
    select
        train.user_id,
        train.item_id,
        train.occurred_at,
        train.position,
        case
            when train.occurred_at > lag(train.occurred_at) over (
                partition by train.user_id
                order by train.occurred_at
            ) + interval 1 minute * $session_gap_minutes then 1
            else 0
        end as n_opened
    from split.train
    where $basket_by = 'session' and train.occurred_at is not null
),

-- one row per event, with its basket
keyed_events as (
    select
        case
            when $basket_by = 'user' then cast(train.user_id as varchar)
            else cast(train.basket_id as varchar)
        end as basket_key,
        train.user_id,
        train.item_id,
        train.occurred_at,
        train.position
    from split.train
    where $basket_by <> 'session'
    union all
    select
        concat(
            cast(opening_events.user_id as varchar),
            '|',
            cast(
                cast(
                    sum(opening_events.n_opened) over (
                        partition by opening_events.user_id
                        order by opening_events.occurred_at
                        range between unbounded preceding and current row
                    ) as bigint
                ) as varchar
            )
        ) as basket_key,
        opening_events.user_id,
        opening_events.item_id,
        opening_events.occurred_at,
        opening_events.position
    from opening_events
    union all
    select
        cast(null as varchar) as basket_key,
        train.user_id,
        train.item_id,
        train.occurred_at,
        train.position
    from split.train
    where $basket_by = 'session' and train.occurred_at is null
),

-- one row per event, with its turn among those of its item in the basket, the latest first
turned_events as (
    select
        keyed_events.basket_key,
        keyed_events.item_id,
        keyed_events.occurred_at,
        keyed_events.position,
        row_number() over (
            partition by keyed_events.basket_key, keyed_events.item_id
            order by keyed_events.occurred_at desc nulls last, keyed_events.position desc nulls last
        ) as turn
    from keyed_events
    where $basket_last_n > 0
),

-- one row per item of a basket that is among the last met there
last_items as (
    select
        turned_events.basket_key,
        turned_events.item_id
    from turned_events
    where turned_events.turn = 1
    qualify row_number() over (
        partition by turned_events.basket_key
        order by
            turned_events.occurred_at desc nulls last,
            turned_events.position desc nulls last,
            turned_events.item_id
    ) <= $basket_last_n
)

select
    -- user_id, basket_id, or user_id and number of the session, by basket_by, as text; null where
    -- the event has none
    keyed_events.basket_key,
    keyed_events.user_id,
    keyed_events.item_id,
    -- false where basket_last_n is on and the item is not among the last of its basket
    $basket_last_n = 0 or last_items.item_id is not null as is_recent
from keyed_events
left join last_items
    on keyed_events.basket_key = last_items.basket_key
    and keyed_events.item_id = last_items.item_id
