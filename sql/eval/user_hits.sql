-- What each user's list found of the user's test items, for each model and list length.
-- grain:   model_name, user_id, k
-- why:     every judged user counts for every model, with 0 where a model has no list for the user.
--          Gains are added in fixed point, unit 1e-12: the same in any order of adding.
-- source:  Järvelin, Kekäläinen 2002, Cumulated gain-based evaluation of IR techniques
-- check:   n_hits <= n_listed and n_listed <= k and n_hits <= n_test_items
-- check:   gain <= ideal_gain + 0.000001 and precision_sum <= n_hits + 0.000001

with
-- one row per judged user
judged_users as (
    select
        judged_pairs.user_id,
        count(*) as n_test_items
    from split.judged_pairs
    group by judged_pairs.user_id
),

-- one row per model and judged user with a list
list_lengths as (
    select
        personal.model_name,
        personal.user_id,
        max(personal.rank) as n_listed
    from recs.personal
    inner join judged_users
        on personal.user_id = judged_users.user_id
    group by personal.model_name, personal.user_id
),

-- one row per judged user, model and list length: the lists that are asked for
asked_lists as (
    select
        models.model_name,
        judged_users.user_id,
        lengths.k,
        judged_users.n_test_items
    from judged_users
    cross join unnest($models) as models(model_name)
    cross join unnest($ks) as lengths(k)
),

-- one row per judged user, model and list length, with the length of the list there is
judged_lists as (
    select
        asked_lists.model_name,
        asked_lists.user_id,
        asked_lists.k,
        asked_lists.n_test_items,
        least(coalesce(list_lengths.n_listed, 0), asked_lists.k) as n_listed
    from asked_lists
    left join list_lengths
        on asked_lists.model_name = list_lengths.model_name
        and asked_lists.user_id = list_lengths.user_id
),

-- one row per recommended item that is among the user's test items
hits as (
    select
        personal.model_name,
        personal.user_id,
        personal.rank,
        cast(round(1e12 * ln(2) / ln(personal.rank + 1)) as bigint) as gain_units,
        row_number() over (
            partition by personal.model_name, personal.user_id
            order by personal.rank
        ) as n_hits_so_far
    from recs.personal
    inner join split.judged_pairs
        on personal.user_id = judged_pairs.user_id and personal.item_id = judged_pairs.item_id
),

-- one row per number of hits, with the gain of as many hits at the top of a list
ideal_gains as (
    select
        unnested.rank as n_items,
        cast(
            sum(cast(round(1e12 * ln(2) / ln(unnested.rank + 1)) as bigint)) over (
                order by unnested.rank
            ) as bigint
        ) as gain_units
    from unnest(generate_series(1, $top_n)) as unnested(rank)
),

-- one row per judged user, model and list length, with what was found
found_gains as (
    select
        judged_lists.model_name,
        judged_lists.user_id,
        judged_lists.k,
        judged_lists.n_test_items,
        judged_lists.n_listed,
        count(hits.rank) as n_hits,
        min(hits.rank) as first_hit_rank,
        cast(coalesce(sum(hits.rank), 0) as bigint) as rank_sum,
        cast(coalesce(sum(hits.gain_units), 0) as bigint) as gain_units,
        cast(
            coalesce(sum(cast(round(1e12 * hits.n_hits_so_far / hits.rank) as bigint)), 0) as bigint
        ) as precision_units
    from judged_lists
    left join hits
        on judged_lists.model_name = hits.model_name
        and judged_lists.user_id = hits.user_id
        and hits.rank <= judged_lists.k
    group by
        judged_lists.model_name,
        judged_lists.user_id,
        judged_lists.k,
        judged_lists.n_test_items,
        judged_lists.n_listed
)

select
    found_gains.model_name,
    found_gains.user_id,
    -- list length that is judged
    found_gains.k,
    -- distinct test items of the user, 1 or more
    found_gains.n_test_items,
    -- length of the list, at most k; 0 where the model has none for the user
    found_gains.n_listed,
    -- test items among the first k of the list
    found_gains.n_hits,
    -- rank of the first of them; null where there is none
    found_gains.first_hit_rank,
    -- sum over the hits of (hits so far / rank)
    found_gains.precision_units / 1e12 as precision_sum,
    -- pairs of a hit and a miss after it among the first k
    found_gains.n_hits * found_gains.n_listed - found_gains.rank_sum
    - found_gains.n_hits * (found_gains.n_hits - 1) // 2 as n_ordered_pairs,
    -- discounted cumulative gain: sum over the hits of 1 / log2(rank + 1)
    found_gains.gain_units / 1e12 as gain,
    -- the same, were the first min(k, n_test_items) places all hits
    ideal_gains.gain_units / 1e12 as ideal_gain,
    -- the same, were all k places hits
    full_gains.gain_units / 1e12 as full_gain
from found_gains
inner join ideal_gains
    on least(found_gains.k, found_gains.n_test_items) = ideal_gains.n_items
inner join ideal_gains as full_gains
    on found_gains.k = full_gains.n_items
