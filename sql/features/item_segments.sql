-- Head, middle and tail: which part of train's events each item stands in.
-- grain:   item_id
-- why:     by events, whatever ranks popularity, most first, ties to the smaller item_id. An item
--          that begins before the end of the head is of the head, one that begins in the tail of
--          it.
-- source:  Abdollahpouri, Burke, Mobasher 2019, Managing popularity bias in recommender systems
--          with personalized re-ranking: head and tail are 20 % of the ratings each
-- check:   cumulative_share > 0 and cumulative_share <= 1

with
-- one row per item of train, with the events of the items before it, and of all
running_events as (
    select
        item_popularity.item_id,
        item_popularity.n_events,
        cast(
            sum(item_popularity.n_events) over (
                order by item_popularity.n_events desc, item_popularity.item_id
                rows between unbounded preceding and current row
            ) as bigint
        ) - item_popularity.n_events as n_before,
        cast(sum(item_popularity.n_events) over () as bigint) as n_all
    from features.item_popularity
)

select
    running_events.item_id,
    -- train events of the item
    running_events.n_events,
    -- share of all train events that this item and the more popular ones hold
    (running_events.n_before + running_events.n_events) / cast(running_events.n_all as double)
        as cumulative_share,
    -- head, middle or tail, by head_share and tail_share
    case
        -- rounded: 0.58 of 50 is 29, not 28.999999999999996
        when running_events.n_before < round($head_share * running_events.n_all, 6) then 'head'
        when running_events.n_before >= round((1 - $tail_share) * running_events.n_all, 6)
            then 'tail'
        else 'middle'
    end as segment
from running_events
