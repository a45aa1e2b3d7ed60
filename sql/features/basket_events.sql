-- The events of train, each with the basket it stands in.
-- grain:  none
-- why:    a basket is what basket_by says, a user or the source's own basket; its key is text, so
--         that either fits.
-- as:     view

select
    -- user_id or basket_id, by basket_by, as text; null where the event has none
    case
        when $basket_by = 'user' then cast(train.user_id as varchar)
        else cast(train.basket_id as varchar)
    end as basket_key,
    train.item_id
from split.train
