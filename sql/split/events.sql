-- The events of core, each with the side it falls on.
-- grain:    none
-- why:      a random split draws the pair, not the event, so that a repeat can't stand on both
--           sides. A time split can't place an event without a time: rejected, never guessed.
-- gate of:  core.events

select
    events.user_id,
    events.item_id,
    events.weight,
    events.occurred_at,
    events.basket_id,
    events.position,
    -- true: test; false: train
    case
        when cut.split = 'random' then unit_hash(
            concat(
                'split|', cast($seed as varchar),
                '|', cast(events.user_id as varchar),
                '|', cast(events.item_id as varchar)
            )
        ) < $test_share
        when cut.split = 'time' then coalesce(events.occurred_at >= cut.cut_at, false)
        else false
    end as is_test,
    case
        when cut.split = 'time' and events.occurred_at is null then 'missing_time'
    end as reject_reason
from core.events
cross join split.cut
