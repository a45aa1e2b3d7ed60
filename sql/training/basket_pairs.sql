-- The pairs of train that stand in a basket of the size that gives examples.
-- grain:    user_idx, item_idx
-- why:      empty where training_basket_max is 0: nobody pays for it. What basket_last_n leaves out
--           of a basket is not of it.
-- only if:  negative_ratio

select
    users.user_idx,
    items.item_idx
from features.basket_events
inner join features.baskets
    on basket_events.basket_key = baskets.basket_key
inner join core.users
    on basket_events.user_id = users.user_id
inner join core.items
    on basket_events.item_id = items.item_id
where
    $training_basket_max > 0
    and basket_events.is_recent
    and case
        when $basket_count = 'rows' then baskets.n_rows
        else baskets.n_items
    end between $basket_min and $training_basket_max
group by users.user_idx, items.item_idx
