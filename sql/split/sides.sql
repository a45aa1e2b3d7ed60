-- How much falls on each side of the split.
-- grain:  side
-- check:  n_pairs <= n_events and n_users <= n_pairs and n_items <= n_pairs

with
-- one row per side, user and item
side_pairs as (
    select
        events.side,
        events.user_id,
        events.item_id,
        count(*) as n_events,
        min(events.occurred_at) as first_at,
        max(events.occurred_at) as last_at
    from split.events
    group by events.side, events.user_id, events.item_id
),

-- one row per side that has events
counted_sides as (
    select
        side_pairs.side,
        cast(sum(side_pairs.n_events) as bigint) as n_events,
        count(*) as n_pairs,
        count(distinct side_pairs.user_id) as n_users,
        count(distinct side_pairs.item_id) as n_items,
        min(side_pairs.first_at) as first_at,
        max(side_pairs.last_at) as last_at
    from side_pairs
    group by side_pairs.side
)

select
    -- train: learned from; fold_in: of new users, known when lists are made; test: judges
    sides.side,
    coalesce(counted_sides.n_events, 0) as n_events,
    -- distinct users and items
    coalesce(counted_sides.n_pairs, 0) as n_pairs,
    coalesce(counted_sides.n_users, 0) as n_users,
    -- distinct items
    coalesce(counted_sides.n_items, 0) as n_items,
    -- first event, UTC; null where there is none, or none has a time
    counted_sides.first_at,
    -- last event, UTC
    counted_sides.last_at
from (values ('train'), ('fold_in'), ('test')) as sides(side)
left join counted_sides
    on sides.side = counted_sides.side
