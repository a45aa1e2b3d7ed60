-- The events of the files under the item ids that count, or why not.
-- grain:     none
-- why:       copied once, typed: everything after reads this and never the files again. A value
--            that is none of its type is rejected here; what is missing core.events judges.
-- gate of:   files.events
-- for each:  files.events

select
    events.user_id,
    coalesce(item_aliases.item_id, events.item_id) as item_id,
    events.weight,
    events.occurred_at,
    events.basket_id,
    events.position,
    events.source_file,
    events.bad_value as rejected_value,
    case
        when events.bad_line then 'bad_line'
        when events.bad_user_id then 'bad_user_id'
        when events.bad_item_id then 'bad_item_id'
        when events.bad_weight then 'bad_weight'
        when events.bad_time then 'bad_time'
        when events.bad_position then 'bad_position'
        when events.bad_basket_id then 'bad_basket_id'
    end as reject_reason
from files.events
left join staging.item_aliases
    on events.item_id = item_aliases.bad_id
