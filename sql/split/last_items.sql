-- The items that each user met last, which a split of last_n sets aside.
-- grain:  user_id, item_id
-- why:    an item's place is that of its latest event: by time, then by the position that the
--         source gives, then the smaller item. Users with last_n items or fewer stay whole in
--         train: they are not here. Empty unless split = last_n.
-- check:  place between 1 and n_items - 1

with
-- one row per event, with its turn among the pair's, the latest first
turned_events as (
    select
        events.user_id,
        events.item_id,
        events.occurred_at,
        events.position,
        row_number() over (
            partition by events.user_id, events.item_id
            order by events.occurred_at desc nulls last, events.position desc nulls last
        ) as turn
    from core.events
    where $split = 'last_n'
),

-- one row per user and item, the latest first
placed_items as (
    select
        turned_events.user_id,
        turned_events.item_id,
        turned_events.occurred_at,
        turned_events.position,
        row_number() over (
            partition by turned_events.user_id
            order by
                turned_events.occurred_at desc nulls last,
                turned_events.position desc nulls last,
                turned_events.item_id
        ) as place,
        count(*) over (partition by turned_events.user_id) as n_items
    from turned_events
    where turned_events.turn = 1
),

-- one row per user that has more items than are set aside: the last that stays in train
boundary_items as (
    select
        placed_items.user_id,
        placed_items.occurred_at,
        placed_items.position
    from placed_items
    where placed_items.place = $last_n + 1
)

select
    placed_items.user_id,
    placed_items.item_id,
    -- 1 is the item met last
    cast(placed_items.place as bigint) as place,
    -- distinct items of the user
    placed_items.n_items,
    -- the item's latest event and that of the first item left in train stand at one time and
    -- position: the ids alone decided
    placed_items.occurred_at is not distinct from boundary_items.occurred_at
    and placed_items.position is not distinct from boundary_items.position as is_tied
from placed_items
inner join boundary_items
    on placed_items.user_id = boundary_items.user_id
where placed_items.place <= $last_n
