-- How popular the items of each tag are in train, ranked within the tag's type.
-- grain:  tag_type, tag_id
-- why:    an item with several tags counts for each. Tags that no item of train carries are here
--         with 0. Ties go to the smaller tag_id.
-- check:  rank >= 1

with
-- one row per tag that some item of train carries
carried_tags as (
    select
        item_tags.tag_type,
        item_tags.tag_id,
        count(*) as n_items,
        cast(sum(item_popularity.n_events) as bigint) as n_events,
        cast(sum(item_popularity.n_recent) as bigint) as n_recent,
        cast(sum(item_popularity.n_before) as bigint) as n_before
    from core.item_tags
    inner join features.item_popularity
        on item_tags.item_id = item_popularity.item_id
    group by item_tags.tag_type, item_tags.tag_id
),

-- one row: whether any event of train has a time
timed_items as (
    select count(item_popularity.n_recent) > 0 as has_times
    from features.item_popularity
),

-- one row per tag
counted_tags as (
    select
        tags.tag_type,
        tags.tag_id,
        tags.tag_name,
        coalesce(carried_tags.n_items, 0) as n_items,
        coalesce(carried_tags.n_events, 0) as n_events,
        case when timed_items.has_times then coalesce(carried_tags.n_recent, 0) end as n_recent,
        case when timed_items.has_times then coalesce(carried_tags.n_before, 0) end as n_before
    from core.tags
    cross join timed_items
    left join carried_tags
        on tags.tag_type = carried_tags.tag_type and tags.tag_id = carried_tags.tag_id
)

select
    counted_tags.tag_type,
    counted_tags.tag_id,
    counted_tags.tag_name,
    -- items of train that carry the tag
    counted_tags.n_items,
    -- train events of those items
    counted_tags.n_events,
    -- of these, events in the last trend_window_days of train; null where no event has a time
    counted_tags.n_recent,
    -- events in the window before that
    counted_tags.n_before,
    -- (n_recent + 1) / (n_before + 1): above 1 the tag rises
    (counted_tags.n_recent + 1) / cast(counted_tags.n_before + 1 as double) as trend,
    -- place within tag_type by n_events, 1 is the most popular
    cast(
        row_number() over (
            partition by counted_tags.tag_type
            order by counted_tags.n_events desc, counted_tags.tag_id
        ) as bigint
    ) as rank
from counted_tags
