-- The pairs that the filters keep, before the k-core.
-- grain:  user_idx, item_idx
-- why:    empty where no filter is on, as core.candidate_pairs is.
-- as:     view

select
    candidate_pairs.user_idx,
    candidate_pairs.item_idx
from core.candidate_pairs
left join core.dropped_users
    on candidate_pairs.user_idx = dropped_users.user_idx
left join core.dropped_items
    on candidate_pairs.item_idx = dropped_items.item_idx
where dropped_users.user_idx is null and dropped_items.item_idx is null
