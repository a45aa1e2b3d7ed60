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
),

-- one row per model, item, rank and list length
measured_places as (
    select
        ranked_places.model_name,
        lengths.k,
        ranked_places.item_id,
        ranked_places.rank,
        ranked_places.n_lists
    from ranked_places
    cross join unnest($ks) as lengths(k)
)

select
    measured_places.model_name,
    -- list length that is judged
    measured_places.k,
    measured_places.item_id,
    -- lists that hold the item among their first k
    cast(sum(measured_places.n_lists) as bigint) as n_lists
from measured_places
where measured_places.rank <= measured_places.k
group by measured_places.model_name, measured_places.k, measured_places.item_id
