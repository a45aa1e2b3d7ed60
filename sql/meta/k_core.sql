-- The rounds of the iterated k-core: who left, and what was left.
-- grain:  round
-- why:    empty where k_core_users and k_core_items are 0, or nothing was below them.
-- as:     view

select
    k_core_rounds.round,
    k_core_rounds.n_users_dropped,
    k_core_rounds.n_items_dropped,
    k_core_rounds.n_users,
    k_core_rounds.n_items,
    k_core_rounds.n_pairs
from core.k_core_rounds
