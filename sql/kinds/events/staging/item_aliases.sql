-- The item that each bad id means: the end of its chain of aliases.
-- grain:         bad_id
-- why:           chains are followed by doubling: each turn joins what 1, 2, 4, 8 … steps reach
--                with itself, so that 14 turns follow a chain of 10,000, and a circle ends, too.
--                After as many steps as there are aliases an id is at its end or on its circle;
--                the smallest id met in as many steps from there is that end, or the circle's.
-- check (warn):  not is_cycle -- aliases go round in a circle: its smallest id is the item
-- engine:        duckdb, a recursive query that joins its rows with themselves

with recursive
-- one row per id of the alias table, with the id one step on; an end stays where it is
steps as (
    select
        aliases.bad_id as from_id,
        aliases.good_id as to_id
    from staging.aliases
    union all
    select
        aliases.good_id as from_id,
        aliases.good_id as to_id
    from staging.aliases
    left join staging.aliases as next_aliases
        on aliases.good_id = next_aliases.bad_id
    where next_aliases.bad_id is null
    group by aliases.good_id
),

-- one row: how many steps are enough for every chain
step_counts as (
    select count(*) as n_enough
    from staging.aliases
),

-- one row per id and turn: where n_taken steps lead, and the smallest id before that
jumps as (
    select
        steps.from_id,
        steps.to_id,
        steps.from_id as smallest_id,
        case when steps.from_id = steps.to_id then 0 else 1 end as n_steps,
        cast(1 as bigint) as n_taken
    from steps
    union all
    select
        jumps.from_id,
        next_jumps.to_id,
        least(jumps.smallest_id, next_jumps.smallest_id) as smallest_id,
        jumps.n_steps + next_jumps.n_steps as n_steps,
        jumps.n_taken * 2 as n_taken
    from jumps
    inner join jumps as next_jumps
        on jumps.to_id = next_jumps.from_id
    cross join step_counts
    where jumps.n_taken < step_counts.n_enough
),

-- one row per id: its last turn
last_jumps as (
    select
        jumps.from_id,
        jumps.to_id,
        jumps.smallest_id,
        jumps.n_steps
    from jumps
    cross join step_counts
    where jumps.n_taken >= step_counts.n_enough
)

select
    aliases.bad_id,
    -- the id that counts: the end of the chain, or the smallest id on the circle it leads into
    ends.smallest_id as item_id,
    -- whether the chain leads into a circle
    ends.n_steps > 0 as is_cycle,
    -- aliases from bad_id to the end, 0 for an alias of itself; null where there is no end
    case when ends.n_steps = 0 then cast(last_jumps.n_steps as bigint) end as n_steps
from staging.aliases
inner join last_jumps
    on aliases.bad_id = last_jumps.from_id
inner join last_jumps as ends
    on last_jumps.to_id = ends.from_id
