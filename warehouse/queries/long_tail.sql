-- How unequal the items are: the share of events that the top items take, by tenth of the catalogue.
with ranked_items as (
    select
        n_events,
        ntile(10) over (order by n_events desc, item_id) as tenth
    from core.item_counts
)

select
    tenth,
    count(*) as n_items,
    sum(n_events) as n_events,
    round(100.0 * sum(n_events) / nullif(sum(sum(n_events)) over (), 0), 2) as percent
from ranked_items
group by tenth
order by tenth
