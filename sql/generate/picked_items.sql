-- What each user picks, turn by turn: items by number, item 0 the most popular.
-- grain:  user_number, turn
-- why:    rows come as the users do and nothing is held: no join, sort, window or group. An item's
--         number is place × $n_clusters + cluster, so that neither needs a table. Picks differ but
--         for $repeats.

with
-- one row per user
users as (
    select unnest(generate_series($first_user, $last_user)) as user_number
),

-- one row per user, with its place by activity, 0 the most active
placed_users as (
    select
        users.user_number,
        scattered(users.user_number, $n_users, $seed_shift) as place
    from users
),

-- one row per user, with its number of rows and its taste
tastes as (
    select
        placed_users.user_number,
        case
            when placed_users.place < $n_long
                then tail_rows(placed_users.place, $n_long, $n_long_rows, $user_flatness)
            when placed_users.place < $n_long + $n_few
                then 1 + (placed_users.place - $n_long) % $few_rows_most
            else 0
        end as n_rows,
        first_cluster_of($seed, placed_users.user_number, $n_clusters) as first_cluster,
        1 + cast(floor(($n_clusters - 1) * draw($seed, 'step', placed_users.user_number)) as bigint)
            as cluster_step
    from placed_users
),

-- one row per pick
turns as (
    select
        tastes.user_number,
        tastes.n_rows,
        tastes.first_cluster,
        tastes.cluster_step,
        unnest(generate_series(0, tastes.n_rows - 1)) as turn
    from tastes
),

-- one row per pick, with its slot in the taste: scattered, so that clusters take turns
slots as (
    select
        turns.user_number,
        turns.n_rows,
        turns.first_cluster,
        turns.cluster_step,
        turns.turn,
        scattered(
            case
                -- again what was picked at an earlier turn
                when draw($seed, 'repeat', turns.user_number, turns.turn) < $repeats
                    then cast(floor(
                        turns.turn * draw($seed, 'again', turns.user_number, turns.turn)
                    ) as bigint)
                else turns.turn
            end,
            turns.n_rows,
            turns.user_number
        ) as slot
    from turns
),

-- one row per pick, with the part of the taste that the slot lies in
parts as (
    select
        slots.user_number,
        slots.n_rows,
        slots.first_cluster,
        slots.cluster_step,
        slots.turn,
        slots.slot,
        part_of(slots.slot, slots.n_rows) as part
    from slots
)

select
    parts.user_number,
    parts.turn,
    -- of this user
    parts.n_rows,
    different_place(
        parts.slot - part_start(parts.part, parts.n_rows),
        part_start(parts.part + 1, parts.n_rows) - part_start(parts.part, parts.n_rows),
        $n_cluster_items,
        draw($seed, 'place', parts.user_number, parts.slot),
        $item_flatness
    ) * $n_clusters + (
        parts.first_cluster + parts.cluster_step * case
            when parts.part < 3 then parts.part
            else 3 + cast(floor(
                ($n_clusters - 3) * draw($seed, 'stranger', parts.user_number, parts.slot)
            ) as bigint)
        end
    ) % $n_clusters as item_number
from parts
