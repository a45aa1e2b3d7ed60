-- Items of train whose list of similar items is short or empty, and why it may be: few baskets hold them.
with lists as (
    select item_id, count(*) as n_similar
    from recs.similar_items
    group by item_id
),
counted as (
    select
        coalesce(lists.n_similar, 0) as n_similar,
        coalesce(item_baskets.n_baskets, 0) as n_baskets
    from features.item_popularity
    join core.items using (item_id)
    left join lists using (item_id)
    left join features.item_baskets using (item_idx)
)
select
    n_similar,
    count(*) as n_items,
    median(n_baskets) as median_baskets,
    max(n_baskets) as most_baskets
from counted
where n_similar < (select cast(value as integer) from meta.parameters where parameter = 'similar_k')
group by n_similar
order by n_similar
