-- Who listened to each track, added up, before any user is left out.
-- grain:  item_id
-- why:    n_events is the popularity that core.catalog_tracks shows. Sums of ids are fingerprints,
--         to compare with other readers of the same files; they are null where an id is no number,
--         or beyond a bigint.

select
    events.item_id,
    -- events of the track
    count(*) as n_events,
    -- sum of the ids of its users, one for each event
    case
        when bool_and(try_cast(events.user_id as bigint) is not null) then try_cast(
            floor(sum(cast(try_cast(events.user_id as bigint) as decimal(20, 0)))) as bigint
        )
    end as user_id_sum,
    -- largest id of its users
    case
        when bool_and(try_cast(events.user_id as bigint) is not null)
            then max(try_cast(events.user_id as bigint))
    end as user_id_max,
    -- sum of track_seq; null where the source has none
    cast(sum(events.position) as bigint) as track_seq_sum,
    -- largest track_seq
    max(events.position) as track_seq_max
from staging.events
group by events.item_id
