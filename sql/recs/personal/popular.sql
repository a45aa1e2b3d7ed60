-- For each known user, the most popular items that the user has not met.
-- grain:  model_name, user_id, rank
-- why:    no user needs more than top_n places and one for each met item that stands before the
--         last of them; the met item with rank r is such a one when fewer than top_n unmet stand
--         before r. So each user reads only the head of the ranking, never users times items.
-- check:  rank >= 1

with
-- one row per known user and item met
met_pairs as (
    select distinct
        history.user_id,
        history.item_id
    from split.history
),

-- one row per met pair, with the unmet items that stand before it
met_ranks as (
    select
        met_pairs.user_id,
        item_popularity.rank,
        item_popularity.rank
        - row_number() over (partition by met_pairs.user_id order by item_popularity.rank)
            as n_unmet_before
    from met_pairs
    inner join features.item_popularity
        on met_pairs.item_id = item_popularity.item_id
),

-- one row per met pair that the list must step over
stepped_ranks as (
    select
        met_ranks.user_id,
        met_ranks.rank
    from met_ranks
    where met_ranks.n_unmet_before < $top_n and not $include_seen
),

-- one row per user with steps
stepped_counts as (
    select
        stepped_ranks.user_id,
        count(*) as n_stepped
    from stepped_ranks
    group by stepped_ranks.user_id
),

-- one row per user, with the last rank the list can reach
user_reaches as (
    select
        met_pairs.user_id,
        $top_n + coalesce(max(stepped_counts.n_stepped), 0) as last_rank
    from met_pairs
    left join stepped_counts
        on met_pairs.user_id = stepped_counts.user_id
    group by met_pairs.user_id
),

-- one row per user and rank within reach
reached_ranks as (
    select
        user_reaches.user_id,
        unnested.rank
    from user_reaches
    cross join unnest(generate_series(1, user_reaches.last_rank)) as unnested(rank)
)

select
    -- the model that made the list
    'popular' as model_name,
    reached_ranks.user_id,
    -- place in the user's list, 1 is best
    cast(
        row_number() over (partition by reached_ranks.user_id order by reached_ranks.rank) as bigint
    ) as rank,
    item_popularity.item_id,
    -- popularity by popular_by; bigger is better within one model
    item_popularity.score
from reached_ranks
inner join features.item_popularity
    on reached_ranks.rank = item_popularity.rank
left join stepped_ranks
    on reached_ranks.user_id = stepped_ranks.user_id and reached_ranks.rank = stepped_ranks.rank
where stepped_ranks.rank is null
