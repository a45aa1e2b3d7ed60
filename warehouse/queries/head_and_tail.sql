-- Head, middle and tail: how much of train they hold, and of each model's longest lists.
with segments as (
    select
        segment,
        count(*) as n_items,
        sum(n_events) as n_events
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
),
models as (
    select
        model_name,
        sum(n_places) as n_places
    from places
    group by model_name
)
select
    models.model_name,
    segments.segment,
    segments.n_items,
    round(100 * segments.n_events / (select sum(n_events) from segments), 1) as percent_of_events,
    round(100 * coalesce(places.n_places, 0) / models.n_places, 1) as percent_of_places
from segments
cross join models
left join places on places.segment = segments.segment and places.model_name = models.model_name
order by models.model_name, segments.segment
