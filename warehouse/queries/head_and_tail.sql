-- Head, middle and tail: how much of train they hold, and of each model's longest lists.
with segments as (
    select
        segment,
        count(*) as n_items,
        round(100 * sum(n_events) / sum(sum(n_events)) over (), 1) as percent_of_events
    from features.item_segments
    group by segment
),
places as (
    select
        exposures.model_name,
        item_segments.segment,
        sum(exposures.n_lists) as n_places
    from eval.exposures
    join features.item_segments using (item_id)
    where exposures.k = (select max(k) from eval.exposures)
    group by exposures.model_name, item_segments.segment
)
select
    segments.segment,
    segments.n_items,
    segments.percent_of_events,
    places.model_name,
    round(100 * places.n_places / sum(places.n_places) over (partition by places.model_name), 1)
        as percent_of_places
from segments
join places using (segment)
order by places.model_name, segments.n_items
