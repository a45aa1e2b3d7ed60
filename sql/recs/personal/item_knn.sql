-- For each known user, the items most similar to all that the user has met.
-- grain:     model_name, user_id, rank
-- why:       a candidate's score is the sum over the user's items of its similarity to each, among
--            the similar_k neighbours of those. Sums are fixed point, the same in any order of
--            adding, in units of the measure's n_sum_digits. Ties go to the smaller item. Of new
--            users, who are not in train, the items are those of fold_in.
-- source:    Deshpande, Karypis 2004, Item-based top-N recommendation algorithms
-- check:     rank >= 1
-- for each:  features.user_blocks

with
-- one row per user of the block and item met
block_pairs as (
    select
        user_items.user_idx,
        user_items.item_idx
    from features.user_items
    where user_items.user_idx between $first_user_idx and $last_user_idx
),

-- one row: how many units of the measure make 1
score_units as (
    select pow(10e0, similarity_measures.n_sum_digits) as n_per_one
    from features.similarity_measures
    where similarity_measures.measure = $similar_measure
),

-- one row per item and neighbour, the similarity in fixed point
fixed_neighbours as (
    select
        left_items.item_idx,
        right_items.item_idx as similar_item_idx,
        cast(round(item_neighbours.score * score_units.n_per_one) as bigint) as n_units
    from features.item_neighbours
    cross join score_units
    inner join core.items as left_items
        on item_neighbours.item_id = left_items.item_id
    inner join core.items as right_items
        on item_neighbours.similar_item_id = right_items.item_id
),

-- one row per user and candidate
summed_candidates as (
    select
        block_pairs.user_idx,
        fixed_neighbours.similar_item_idx as item_idx,
        cast(sum(fixed_neighbours.n_units) as bigint) as n_units
    from block_pairs
    inner join fixed_neighbours
        on block_pairs.item_idx = fixed_neighbours.item_idx
    group by block_pairs.user_idx, fixed_neighbours.similar_item_idx
),

-- one row per user and candidate that may be shown, ranked
ranked_candidates as (
    select
        summed_candidates.user_idx,
        summed_candidates.item_idx,
        summed_candidates.n_units,
        row_number() over (
            partition by summed_candidates.user_idx
            order by summed_candidates.n_units desc, summed_candidates.item_idx
        ) as rank
    from summed_candidates
    left join block_pairs
        on summed_candidates.user_idx = block_pairs.user_idx
        and summed_candidates.item_idx = block_pairs.item_idx
    where $include_seen or block_pairs.user_idx is null
)

select
    'item_knn' as model_name,
    users.user_id,
    cast(ranked_candidates.rank as bigint) as rank,
    items.item_id,
    -- summed similarity to the user's items; bigger is better within one model
    ranked_candidates.n_units / score_units.n_per_one as score
from ranked_candidates
cross join score_units
inner join core.users
    on ranked_candidates.user_idx = users.user_idx
inner join core.items
    on ranked_candidates.item_idx = items.item_idx
where ranked_candidates.rank <= $top_n
