-- Each known user and item that met, with the weight that models give the pair, user by user.
-- grain:   user_idx, item_idx
-- why:     tfidf and bm25 take an item as the document and its users as the terms, over the items
--          of train: what heavy users met says less, and bm25 holds back popular items. Never below
--          0, as it would be where a user has met everything. Each way is a branch, so that a build
--          pays only for the one it chose: these two count, join and sort.
-- source:  Robertson, Zaragoza 2009, The probabilistic relevance framework: BM25 and beyond; equal
--          to implicit.nearest_neighbours.bm25_weight and tfidf_weight of the items by users matrix
-- check:   weight >= 0 and isfinite(weight)
-- as:      view

with
-- one row per item of train, where the weighting asks for it: the sum of its weights
item_lengths as (
    select
        user_items.item_idx,
        cast(sum(user_items.weight) as decimal(38, 6)) as length
    from features.user_items
    where $weighting in ('bm25', 'tfidf') and not user_items.is_fold_in
    group by user_items.item_idx
),

-- one row: items of train, and their mean length
all_lengths as (
    select
        count(*) as n_items,
        cast(sum(item_lengths.length) as double) / count(*) as mean_length
    from item_lengths
),

-- one row per user, where the weighting asks for it: the items met
user_lengths as (
    select
        user_items.user_idx,
        count(*) as n_items
    from features.user_items
    where $weighting in ('bm25', 'tfidf')
    group by user_items.user_idx
),

-- one row per pair: its weight, the item's share of the mean length, the rarity of the user
measured_pairs as (
    select
        user_items.user_idx,
        user_items.item_idx,
        user_items.is_fold_in,
        cast(user_items.weight as double) as weight,
        cast(item_lengths.length as double) / nullif(all_lengths.mean_length, 0) as length_share,
        greatest(ln(cast(all_lengths.n_items as double) / (1 + user_lengths.n_items)), 0) as rarity
    from features.user_items
    inner join user_lengths
        on user_items.user_idx = user_lengths.user_idx
    left join item_lengths
        on user_items.item_idx = item_lengths.item_idx
    cross join all_lengths
    where $weighting in ('bm25', 'tfidf')
    order by user_items.user_idx, user_items.item_idx
)

select
    user_items.user_idx,
    user_items.item_idx,
    -- strength of the pair, by weighting
    case $weighting
        when 'binary' then cast(1 as float)
        when 'raw' then cast(user_items.weight as float)
        when 'log1p' then cast(ln(1 + cast(user_items.weight as double)) as float)
    end as weight,
    -- true where a new user's pair is known but never learned from
    user_items.is_fold_in
from features.user_items
where $weighting not in ('bm25', 'tfidf')
union all
select
    measured_pairs.user_idx,
    measured_pairs.item_idx,
    cast(
        case
            when $weighting = 'tfidf' then sqrt(measured_pairs.weight) * measured_pairs.rarity
            -- where k1 is 0, or the whole item weighs nothing, the formula is 0 / 0
            when measured_pairs.weight = 0 then 0
            else measured_pairs.weight * ($bm25_k1 + 1) * measured_pairs.rarity / (
                $bm25_k1 * (1 - $bm25_b + $bm25_b * coalesce(measured_pairs.length_share, 0))
                + measured_pairs.weight
            )
        end as float
    ) as weight,
    measured_pairs.is_fold_in
from measured_pairs
