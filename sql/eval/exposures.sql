-- In how many lists each item stands, for each model and list length.
-- grain:  model_name, k, item_id
-- why:    over all lists, judged or not. Items in no list are not here.
-- check:  n_lists >= 1

with
-- one row per model, item and rank
ranked_places as (
    select
        personal.model_name,
        personal.item_id,
        personal.rank,
        count(*) as n_lists
    from recs.personal
    group by personal.model_name, personal.item_id, personal.rank
)

select
    ranked_places.model_name,
    -- list length that is judged
    lengths.k,
    ranked_places.item_id,
    -- lists that hold the item among their first k
    cast(sum(ranked_places.n_lists) as bigint) as n_lists
from ranked_places
cross join unnest($ks) as lengths(k)
where ranked_places.rank <= lengths.k
group by ranked_places.model_name, lengths.k, ranked_places.item_id
