-- How many pair rows the counting of pairs makes, and what a limit on baskets saves; one row.
-- grain:         basket_by
-- why:           n items in a basket are n (n - 1) / 2 pairs, so that one crawler can outweigh all
--                other users. This is told before any pair is counted. The limit is the largest of
--                2, 5, 10, 20, 50 … that leaves 20 million pair rows, or a hundredth of them, as
--                basket_last_n. No row, and no pairs, where neither similar_source nor item_knn
--                asks for any.
-- check:         n_larger_baskets between 0 and n_baskets
-- check (warn):  n_pair_rows <= 20000000
--                or (
--                n_pair_rows <= 200000000
--                and (larger_share < 0.5 or n_larger_baskets > 0.01 * n_baskets)
--                )
--                -- {n_pair_rows:,} pair rows to count, {larger_share:%} of them from
--                {n_larger_baskets:,} of {n_baskets:,} baskets (basket_by = {basket_by}), those
--                with more than {basket_limit:,} items. --set basket_max={basket_limit} leaves
--                {n_pair_rows_with_max:,} pair rows, --set basket_last_n={basket_limit} leaves
--                {n_pair_rows_with_last_n:,}

with
-- one row per size of counted baskets
basket_sizes as (
    select
        counted_baskets.n_items,
        case
            when $basket_count = 'rows' then baskets.n_rows
            else counted_baskets.n_items
        end as n_counted,
        count(*) as n_baskets
    from features.counted_baskets
    inner join features.baskets
        on counted_baskets.basket_idx = baskets.basket_idx
    where $similar_source = 'pairs' or list_contains($models, 'item_knn')
    group by
        counted_baskets.n_items,
        case
            when $basket_count = 'rows' then baskets.n_rows
            else counted_baskets.n_items
        end
),

-- one row per limit that could be set
limits as (
    select cast(steps.step * scales.scale as bigint) as basket_limit
    from (values (1), (2), (5)) as steps(step)
    cross join (
        values (1), (10), (100), (1000), (10000), (100000), (1000000)
    ) as scales(scale)
    where steps.step * scales.scale > greatest($basket_min, 2)
    union all
    select cast(greatest($basket_min, 2) as bigint) as basket_limit
),

-- one row per limit, with what it would leave
limit_costs as (
    select
        limits.basket_limit,
        cast(sum(basket_sizes.n_baskets) as bigint) as n_baskets,
        cast(
            sum(
                basket_sizes.n_baskets
                * (basket_sizes.n_items * (basket_sizes.n_items - 1) // 2)
            ) as bigint
        ) as n_pair_rows,
        cast(
            sum(
                case
                    when basket_sizes.n_items > limits.basket_limit then basket_sizes.n_baskets
                    else 0
                end
            ) as bigint
        ) as n_larger_baskets,
        cast(
            sum(
                case
                    when basket_sizes.n_items > limits.basket_limit
                        then basket_sizes.n_baskets
                        * (basket_sizes.n_items * (basket_sizes.n_items - 1) // 2)
                    else 0
                end
            ) as bigint
        ) as n_larger_pair_rows,
        cast(
            sum(
                case
                    when basket_sizes.n_counted <= limits.basket_limit
                        then basket_sizes.n_baskets
                        * (basket_sizes.n_items * (basket_sizes.n_items - 1) // 2)
                    else 0
                end
            ) as bigint
        ) as n_pair_rows_with_max,
        cast(
            sum(
                basket_sizes.n_baskets * (
                    least(basket_sizes.n_items, limits.basket_limit)
                    * (least(basket_sizes.n_items, limits.basket_limit) - 1) // 2
                )
            ) as bigint
        ) as n_pair_rows_with_last_n
    from basket_sizes
    cross join limits
    group by limits.basket_limit
),

-- one row: the largest limit that saves enough, or the smallest there is
chosen_limits as (
    select
        coalesce(
            max(
                case
                    when limit_costs.n_pair_rows_with_last_n
                        <= greatest(20000000, limit_costs.n_pair_rows // 100)
                        then limit_costs.basket_limit
                end
            ),
            min(limit_costs.basket_limit)
        ) as basket_limit
    from limit_costs
)

select
    -- whose items are counted together: a user's, a session's, or those of one basket_id
    $basket_by as basket_by,
    -- counted baskets
    limit_costs.n_baskets,
    -- rows that the self-join of all baskets makes: the sum of n (n - 1) / 2 over their items
    limit_costs.n_pair_rows,
    -- a size to limit baskets to, in items; see why
    limit_costs.basket_limit,
    -- baskets with more items than that
    limit_costs.n_larger_baskets,
    -- share of the pair rows that come from those, 0 to 1
    coalesce(
        limit_costs.n_larger_pair_rows / cast(nullif(limit_costs.n_pair_rows, 0) as double), 0
    ) as larger_share,
    -- pair rows that are left with basket_max = basket_limit, which leaves larger baskets out
    limit_costs.n_pair_rows_with_max,
    -- pair rows that are left with basket_last_n = basket_limit, which shortens larger baskets;
    -- baskets that basket_max leaves out today are not among them
    limit_costs.n_pair_rows_with_last_n
from limit_costs
inner join chosen_limits
    on limit_costs.basket_limit = chosen_limits.basket_limit
