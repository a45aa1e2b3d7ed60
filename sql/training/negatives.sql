-- The negatives: users and items that never met in train, drawn by negative_sampling.
-- grain:    user_id, item_id
-- why:      negative_ratio times the positives, rounded up: for each user, or over all. Test pairs
--           are not spared: who learns can't know them.
-- check:    n_draws >= 1
-- only if:  negative_ratio
-- as:       view

with
-- one row per draw
all_draws as (
    select
        negative_draws.user_idx,
        negative_draws.item_idx,
        negative_draws.draw,
        negative_draws.drawn_at
    from training.negative_draws
    union all
    select
        negative_rest.user_idx,
        negative_rest.item_idx,
        negative_rest.draw,
        negative_rest.drawn_at
    from training.negative_rest
),

-- one row per draw that counts
counting_draws as (
    select
        all_draws.user_idx,
        all_draws.item_idx
    from all_draws
    where $negative_scope = 'user'
    union all
    select
        all_draws.user_idx,
        all_draws.item_idx
    from all_draws
    cross join training.negative_cut
    where
        $negative_scope = 'all'
        and (
            all_draws.drawn_at < negative_cut.last_at
            or (
                all_draws.drawn_at = negative_cut.last_at
                and (
                    all_draws.user_idx < negative_cut.last_user_idx
                    or (
                        all_draws.user_idx = negative_cut.last_user_idx
                        and all_draws.draw <= negative_cut.last_draw
                    )
                )
            )
        )
),

-- one row per pair; only where repeats may be, pairs are counted
drawn_pairs as (
    select
        counting_draws.user_idx,
        counting_draws.item_idx,
        cast(1 as bigint) as n_draws
    from counting_draws
    where not $negative_repeats
    union all
    select
        counting_draws.user_idx,
        counting_draws.item_idx,
        count(*) as n_draws
    from counting_draws
    where $negative_repeats
    group by counting_draws.user_idx, counting_draws.item_idx
)

select
    users.user_id,
    items.item_id,
    -- how often the pair was drawn: 1, or more with negative_repeats
    drawn_pairs.n_draws
from drawn_pairs
inner join core.users
    on drawn_pairs.user_idx = users.user_idx
inner join core.items
    on drawn_pairs.item_idx = items.item_idx
