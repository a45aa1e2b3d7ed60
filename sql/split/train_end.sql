-- The last moment of train that decay and trend count back from; one row, none without times.
-- grain:  end_at
-- why:    ages count from the last event of train that is not after the end of the data
--         (core.time_span). Never from today, and never from a broken clock of 2262.

select
    -- the last event of train that is not after the end of the data, UTC; the first event of train
    -- where all are
    coalesce(
        max(case when train.occurred_at <= time_span.end_at then train.occurred_at end),
        min(train.occurred_at)
    ) as end_at
from split.train
cross join core.time_span
where train.occurred_at is not null
having count(*) > 0
