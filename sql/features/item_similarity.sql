-- The items most similar to each item, under each measure.
-- grain:     item_id, measure, rank
-- why:       equal scores go to the smaller item id; scores are compared at n_digits behind the
--            point (features.similarity_measures), since their last bits may differ between
--            machines. Pairs below pair_min_count are no neighbours, but count in n(i), T(i) and N
--            all the same.
-- source:    formulas and papers in features.similarity_measures
-- check:     rank >= 1 and item_id <> similar_item_id and isfinite(score)
-- for each:  features.similarity_blocks

with
-- one row per item of the range and item that shares enough baskets with it
directed_pairs as (
    select
        item_pairs.item_idx,
        item_pairs.other_item_idx as similar_item_idx,
        item_pairs.n_baskets,
        item_pairs.n_share_units
    from features.item_pairs
    where
        item_pairs.item_idx between $first_item_idx and $last_item_idx
        and item_pairs.n_baskets >= $pair_min_count
    union all
    select
        item_pairs.other_item_idx as item_idx,
        item_pairs.item_idx as similar_item_idx,
        item_pairs.n_baskets,
        item_pairs.n_share_units
    from features.item_pairs
    where
        item_pairs.other_item_idx between $first_item_idx and $last_item_idx
        and item_pairs.n_baskets >= $pair_min_count
),

-- one row per directed pair, with the 2 x 2 table of baskets: n_ij both, n_i and n_j each, n all
counted_pairs as (
    select
        directed_pairs.item_idx,
        directed_pairs.similar_item_idx,
        directed_pairs.n_baskets,
        cast(directed_pairs.n_baskets as double) as n_ij,
        cast(left_items.n_baskets as double) as n_i,
        cast(right_items.n_baskets as double) as n_j,
        cast(left_items.n_all_baskets as double) as n,
        cast(left_items.n_pair_rows + right_items.n_pair_rows as double) as n_pair_rows,
        directed_pairs.n_share_units / 1e12 as basket_share
    from directed_pairs
    inner join features.item_baskets as left_items
        on directed_pairs.item_idx = left_items.item_idx
    inner join features.item_baskets as right_items
        on directed_pairs.similar_item_idx = right_items.item_idx
),

-- one row per directed pair, with its score
scored_pairs as (
    select
        counted_pairs.item_idx,
        counted_pairs.similar_item_idx,
        counted_pairs.n_baskets,
        case $measure
            when 'asymmetric_cosine' then n_ij / (pow(n_i, $exponent) * pow(n_j, 1 - $exponent))
            when 'conditional' then n_ij / n_i
            when 'conditional_reverse' then n_ij / n_j
            when 'cosine' then n_ij / sqrt(n_i * n_j)
            when 'count' then n_ij
            when 'dice' then 2 * n_ij / (n_i + n_j)
            when 'jaccard' then n_ij / (n_i + n_j - n_ij)
            when 'lift' then n_ij * n / (n_i * n_j)
            -- greatest: a cell of 0 adds 0, and ln(0) is no number
            when 'log_likelihood' then 2 * (
                n_ij * ln(n_ij * n / (n_i * n_j))
                + (n_i - n_ij) * ln(greatest(n_i - n_ij, 1) * n / (n_i * greatest(n - n_j, 1)))
                + (n_j - n_ij) * ln(greatest(n_j - n_ij, 1) * n / (n_j * greatest(n - n_i, 1)))
                + (n - n_i - n_j + n_ij) * ln(
                    greatest(n - n_i - n_j + n_ij, 1) * n
                    / (greatest(n - n_i, 1) * greatest(n - n_j, 1))
                )
            )
            when 'normalised_count' then n_ij / n_pair_rows
            when 'npmi' then case
                when n_ij = n then 1
                else ln(n_ij * n / (n_i * n_j)) / ln(n / n_ij)
            end
            when 'overlap' then n_ij / least(n_i, n_j)
            when 'p3alpha' then basket_share / n_i
            when 'pmi' then ln(n_ij * n / (n_i * n_j))
            when 'rp3beta' then basket_share / n_i / pow(n_j, $exponent)
        end as score
    from counted_pairs
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
            order by round(scored_pairs.score, $n_digits) desc, scored_pairs.similar_item_idx
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
