-- What each user's list found of the user's test items, for each model and list length.
-- grain:   model_name, user_id, k
-- why:     every judged user counts for every model, with 0 where a model has no list for the user.
--          Gains are added in fixed point, unit 1e-12: the same in any order of adding.
-- source:  Järvelin, Kekäläinen 2002, Cumulated gain-based evaluation of IR techniques
-- check:   n_hits <= k and n_hits <= n_test_items and gain <= ideal_gain + 0.000001

with
-- one row per judged user
judged_users as (
    select
        judged_pairs.user_id,
        count(*) as n_test_items
    from split.judged_pairs
    group by judged_pairs.user_id
),

-- one row per judged user, model and list length
judged_lists as (
    select
        models.model_name,
        judged_users.user_id,
        lengths.k,
        judged_users.n_test_items
    from judged_users
    cross join unnest($models) as models(model_name)
    cross join unnest($ks) as lengths(k)
),

-- one row per recommended item that is among the user's test items
hits as (
    select
        personal.model_name,
        personal.user_id,
        personal.rank,
        cast(round(1e12 * ln(2) / ln(personal.rank + 1)) as bigint) as gain_units
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
        count(hits.rank) as n_hits,
        cast(coalesce(sum(hits.gain_units), 0) as bigint) as gain_units
    from judged_lists
    left join hits
        on judged_lists.model_name = hits.model_name
        and judged_lists.user_id = hits.user_id
        and hits.rank <= judged_lists.k
    group by
        judged_lists.model_name,
        judged_lists.user_id,
        judged_lists.k,
        judged_lists.n_test_items
)

select
    found_gains.model_name,
    found_gains.user_id,
    -- list length that is judged
    found_gains.k,
    -- distinct test items of the user, 1 or more
    found_gains.n_test_items,
    -- test items among the first k of the list
    found_gains.n_hits,
    -- discounted cumulative gain: sum over the hits of 1 / log2(rank + 1)
    found_gains.gain_units / 1e12 as gain,
    -- the same, were the first min(k, n_test_items) places all hits
    ideal_gains.gain_units / 1e12 as ideal_gain
from found_gains
inner join ideal_gains
    on least(found_gains.k, found_gains.n_test_items) = ideal_gains.n_items
