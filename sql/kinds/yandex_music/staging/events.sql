-- The interactions of the files, as events of their tracks, or why not.
-- grain:     none
-- why:       repeats of a user and track are events of their own, and all count. One pass over each
--            file: only the tracks are held in memory.
-- gate of:   files.interactions
-- for each:  files.interactions

select
    interactions.user_id,
    interactions.track_id as item_id,
    cast(1 as decimal(18, 6)) as weight,
    interactions.started_at as occurred_at,
    cast(null as bigint) as basket_id,
    -- place in what the user listened to, as the source numbers it
    interactions.track_seq as position,
    interactions.source_file,
    case
        when interactions.bad_line or interactions.unfit_user_id then interactions.bad_value
        when interactions.user_id is null then cast(null as varchar)
        when interactions.unfit_track_id then interactions.bad_value
        when interactions.track_id is null then cast(null as varchar)
        when interactions.unfit_started_at then interactions.bad_value
        when interactions.started_at is not null and tracks.track_id is not null
            then interactions.bad_value
    end as rejected_value,
    case
        when interactions.bad_line then 'bad_line'
        when interactions.user_id is null then 'missing_user_id'
        when interactions.track_id is null then 'missing_track_id'
        when interactions.started_at is null then 'bad_time'
        when tracks.track_id is null then 'track_not_in_catalog'
        when interactions.bad_track_seq then 'bad_track_seq'
    end as reject_reason
from files.interactions
left join staging.tracks
    on interactions.track_id = tracks.track_id
