-- The items most similar to each item, under each measure.
-- grain:     item_id, measure, rank
-- why:       equal scores go to the smaller item id; scores are compared at 12 digits behind the
--            point, those of lift at 6, since their last bits may differ between machines.
-- source:    formulas and papers in features.similarity_measures
-- check:     rank >= 1 and item_id <> similar_item_id and score >= 0
-- for each:  features.similarity_blocks

with
-- one row per item of the range and item that shares enough baskets with it
directed_pairs as (
    select
        item_pairs.item_idx,
        item_pairs.other_item_idx as similar_item_idx,
        item_pairs.n_baskets
    from features.item_pairs
    where
        item_pairs.item_idx between $first_item_idx and $last_item_idx
        and item_pairs.n_baskets >= $pair_min_count
    union all
    select
        item_pairs.other_item_idx as item_idx,
        item_pairs.item_idx as similar_item_idx,
        item_pairs.n_baskets
    from features.item_pairs
    where
        item_pairs.other_item_idx between $first_item_idx and $last_item_idx
        and item_pairs.n_baskets >= $pair_min_count
),

-- one row per directed pair
scored_pairs as (
    select
        directed_pairs.item_idx,
        directed_pairs.similar_item_idx,
        directed_pairs.n_baskets,
        case $measure
            when 'count' then cast(directed_pairs.n_baskets as double)
            when 'cosine' then directed_pairs.n_baskets
                / sqrt(cast(left_items.n_baskets * right_items.n_baskets as double))
            when 'jaccard' then directed_pairs.n_baskets
                / cast(
                    left_items.n_baskets + right_items.n_baskets - directed_pairs.n_baskets
                    as double
                )
            when 'lift' then cast(directed_pairs.n_baskets * left_items.n_all_baskets as double)
                / (left_items.n_baskets * right_items.n_baskets)
            when 'normalised_count' then directed_pairs.n_baskets
                / cast(left_items.n_pair_rows + right_items.n_pair_rows as double)
        end as score
    from directed_pairs
    inner join features.item_baskets as left_items
        on directed_pairs.item_idx = left_items.item_idx
    inner join features.item_baskets as right_items
        on directed_pairs.similar_item_idx = right_items.item_idx
),

-- one row per directed pair, ranked
ranked_pairs as (
    select
        scored_pairs.item_idx,
        scored_pairs.similar_item_idx,
        scored_pairs.n_baskets,
        scored_pairs.score,
        row_number() over (
            partition by scored_pairs.item_idx
            order by
                case
                    when $measure = 'lift' then round(scored_pairs.score, 6)
                    else round(scored_pairs.score, 12)
                end desc,
                scored_pairs.similar_item_idx
        ) as rank
    from scored_pairs
)

select
    left_items.item_id,
    -- the neighbour
    right_items.item_id as similar_item_id,
    -- the formula of the score: features.similarity_measures
    $measure as measure,
    -- place among the neighbours of item_id under the measure, 1 is most similar
    cast(ranked_pairs.rank as bigint) as rank,
    -- bigger is more similar; comparable within one measure
    ranked_pairs.score,
    -- counted baskets that hold both
    ranked_pairs.n_baskets
from ranked_pairs
inner join core.items as left_items
    on ranked_pairs.item_idx = left_items.item_idx
inner join core.items as right_items
    on ranked_pairs.similar_item_idx = right_items.item_idx
where ranked_pairs.rank <= $similar_k
