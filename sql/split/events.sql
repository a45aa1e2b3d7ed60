-- The events of core, each with the side it falls on.
-- grain:    none
-- why:      random, last_n and new_users place the pair, not the event, so that a repeat can't
--           stand on two sides. A time split can't place an event without a time: rejected, never
--           guessed. Each draw has a salt of its own: with one for all, test rows would not be
--           drawn alike.
-- source:   new_users: Liang, Krishnan, Hoffman, Jebara 2018, Variational autoencoders for
--           collaborative filtering, section 4.1 (strong generalisation)
-- check:    side in ('train', 'fold_in', 'test')
-- gate of:  core.events

with
-- one row per event, with its side
placed_events as (
    select
        events.user_id,
        events.item_id,
        events.weight,
        events.occurred_at,
        events.basket_id,
        events.position,
        cut.split,
        cut.end_at,
        case
            when cut.split = 'random' and unit_hash(
                concat(
                    'split|', cast($seed as varchar),
                    '|', cast(events.user_id as varchar),
                    '|', cast(events.item_id as varchar)
                )
            ) < $test_share then 'test'
            when cut.split = 'time' and events.occurred_at >= cut.cut_at then 'test'
            when cut.split = 'last_n' and last_items.user_id is not null then 'test'
            when cut.split = 'new_users' and unit_hash(
                concat('new_users|', cast($seed as varchar), '|', cast(events.user_id as varchar))
            ) < $test_share then case
                when unit_hash(
                    concat(
                        'fold_in|', cast($seed as varchar),
                        '|', cast(events.user_id as varchar),
                        '|', cast(events.item_id as varchar)
                    )
                ) < $held_out_share then 'test'
                else 'fold_in'
            end
            else 'train'
        end as side
    from core.events
    cross join split.cut
    left join split.last_items
        on events.user_id = last_items.user_id and events.item_id = last_items.item_id
)

select
    placed_events.user_id,
    placed_events.item_id,
    placed_events.weight,
    placed_events.occurred_at,
    placed_events.basket_id,
    placed_events.position,
    -- train: learned from; test: judges; fold_in: of a new user, known when the list is made
    placed_events.side,
    case
        when placed_events.split = 'time' and placed_events.occurred_at is null then 'missing_time'
        when placed_events.occurred_at >= placed_events.end_at then 'after_fold'
        when
            $train_sample < 1
            and placed_events.side = 'train'
            and unit_hash(
                concat(
                    'train_sample|', cast($seed as varchar),
                    '|', cast(placed_events.user_id as varchar),
                    '|', cast(placed_events.item_id as varchar),
                    '|', coalesce(cast(placed_events.occurred_at as varchar), ''),
                    '|', coalesce(cast(placed_events.position as varchar), '')
                )
            ) >= $train_sample
            then 'not_selected'
    end as reject_reason
from placed_events
