-- The most popular tracks of train.
-- file:  top_popular.parquet
-- why:   ranks are whole and without ties, unlike averages that are cut.

select
    popular.item_id,
    popular.n_events as count,
    popular.rank
from recs.popular
order by popular.rank
