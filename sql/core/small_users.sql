-- Users with so few events that they are left out before anything else is counted.
-- grain:  user_idx
-- why:    the first of the filters: what small users met makes no item popular.

select
    candidate_pairs.user_idx,
    -- valid events of the user
    cast(sum(candidate_pairs.n_events) as bigint) as n_events
from core.candidate_pairs
group by candidate_pairs.user_idx
having sum(candidate_pairs.n_events) <= $max_small_history
