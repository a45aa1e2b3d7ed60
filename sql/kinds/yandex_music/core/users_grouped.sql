-- What each user listened to, added up, before any user is left out.
-- grain:  user_id
-- why:    for people, and to compare with other readers of the same files: sums of ids are
--         fingerprints, no measures. They are null where an id is no number, or beyond a bigint.

select
    events.user_id,
    -- events of the user
    count(*) as n_events,
    -- sum of the ids of its tracks, one for each event
    case
        when bool_and(try_cast(events.item_id as bigint) is not null) then try_cast(
            floor(sum(cast(try_cast(events.item_id as bigint) as decimal(20, 0)))) as bigint
        )
    end as track_id_sum,
    -- largest id of its tracks
    case
        when bool_and(try_cast(events.item_id as bigint) is not null)
            then max(try_cast(events.item_id as bigint))
    end as track_id_max,
    -- sum of track_seq; null where the source has none
    cast(sum(events.position) as bigint) as track_seq_sum,
    -- largest track_seq
    max(events.position) as track_seq_max
from staging.events
group by events.user_id
