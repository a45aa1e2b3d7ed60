-- The items of the baskets that are counted, each once a basket.
-- grain:    basket_idx, item_idx
-- why:      judged on the train rows, so that each has its reason: what basket_last_n leaves out,
--           then the basket's size, then the repeats in it. The size is counted with repeats where
--           basket_count says rows. Dense ids stand here because the self-join of the pairs must
--           find no dictionary to join.
-- gate of:  features.basket_events

with
-- one row per event of train, with its basket and its turn among the repeats in it
sized_events as (
    select
        baskets.basket_idx,
        items.item_idx,
        basket_events.basket_key,
        basket_events.is_recent,
        case
            when $basket_count = 'rows' then baskets.n_rows
            else baskets.n_items
        end as n_counted,
        row_number() over (
            partition by baskets.basket_idx, items.item_idx
            order by items.item_idx
        ) as turn
    from features.basket_events
    left join features.baskets
        on basket_events.basket_key = baskets.basket_key
    left join core.items
        on basket_events.item_id = items.item_id
)

select
    sized_events.basket_idx,
    sized_events.item_idx,
    case
        when sized_events.basket_key is null then 'missing_basket'
        when not sized_events.is_recent then 'beyond_last_n'
        when sized_events.n_counted < $basket_min then 'basket_too_small'
        when $basket_max > 0 and sized_events.n_counted > $basket_max then 'basket_too_large'
        when sized_events.turn > 1 then 'repeat_in_basket'
    end as reject_reason
from sized_events
