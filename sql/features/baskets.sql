-- The baskets of train, each once, with how much each holds.
-- grain:  basket_idx
-- why:    events without a basket, and items beyond basket_last_n, do not count here;
--         features.basket_items rejects them.
-- check:  n_items between 1 and n_rows

with
-- one row per basket and item
basket_pairs as (
    select
        basket_events.basket_key,
        basket_events.item_id,
        count(*) as n_rows
    from features.basket_events
    where basket_events.basket_key is not null and basket_events.is_recent
    group by basket_events.basket_key, basket_events.item_id
),

-- one row per basket
sized_baskets as (
    select
        basket_pairs.basket_key,
        cast(sum(basket_pairs.n_rows) as bigint) as n_rows,
        count(*) as n_items
    from basket_pairs
    group by basket_pairs.basket_key
)

select
    cast(row_number() over (order by sized_baskets.basket_key) - 1 as integer) as basket_idx,
    -- user_id, basket_id, or user_id and number of the session, by basket_by, as text
    sized_baskets.basket_key,
    -- train events in the basket that count, repeats included
    sized_baskets.n_rows,
    -- distinct items in the basket that count
    sized_baskets.n_items
from sized_baskets
