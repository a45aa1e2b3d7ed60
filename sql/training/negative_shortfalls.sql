-- The users whose draws did not give all that they get, or who made none.
-- grain:  user_idx
-- why:    drawn over all, draws reach the horizon for everyone who makes any.
-- check:  n_missing >= 1

with
-- one row per user with draws that count
drawn_users as (
    select
        negative_draws.user_idx,
        count(*) as n_drawn
    from training.negative_draws
    where $negative_scope = 'user'
    group by negative_draws.user_idx
),

-- one row per user who may draw
counted_users as (
    select
        negative_quotas.user_idx,
        negative_quotas.user_id,
        negative_quotas.n_draws,
        negative_quotas.n_candidates,
        negative_quotas.horizon,
        case
            when $negative_scope = 'user'
                then negative_quotas.n_wanted - coalesce(drawn_users.n_drawn, 0)
            when negative_quotas.n_draws = 0 then negative_quotas.n_candidates
            else 0
        end as n_missing
    from training.negative_quotas
    left join drawn_users
        on negative_quotas.user_idx = drawn_users.user_idx
)

select
    counted_users.user_idx,
    counted_users.user_id,
    -- draws made so far
    counted_users.n_draws,
    -- items that may be drawn and that the user has not met
    counted_users.n_candidates,
    -- negatives still to be found; drawn over all, at most
    counted_users.n_missing,
    -- moment up to which draws count where they are made over all; null where all count
    counted_users.horizon
from counted_users
where counted_users.n_missing > 0
