-- The moments that bound test, when the split is by time; one row.
-- grain:  split
-- check:  split <> 'time' or cut_at is not null
--         -- no event is left that has a time; see what the gates rejected (split = none
--         builds), or choose split = random or last_n

select
    -- how the split is made: none, random, time, last_n or new_users
    splits.split,
    -- events from this moment on are test, UTC; null unless the split is by time and some event has
    -- a time
    folds.cut_at,
    -- events from this moment on are left out, UTC; null unless there are several folds
    folds.end_at
from (values ($split)) as splits(split)
left join split.folds
    on folds.is_chosen
