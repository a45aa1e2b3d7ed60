-- The most frequent value of each id and text of the events, and how many different ones there are.
-- grain:  column_name
-- why:    for people, over all events; a column without any value is absent. Ties go to the smaller
--         value. Users and items are counted already; of all others the counts are grouped, so that
--         no value is held twice.
-- check:  n_top >= 1 and n_distinct >= 1

with
-- one row per basket
basket_counts as (
    select
        events.basket_id,
        count(*) as n_events
    from core.events
    where events.basket_id is not null
    group by events.basket_id
),

-- one row per file
file_counts as (
    select
        events.source_file,
        count(*) as n_events
    from core.events
    where events.source_file is not null
    group by events.source_file
),

-- one row per column and number of events that some of its values have
frequencies as (
    select
        'user_id' as column_name,
        user_counts.n_events,
        count(*) as n_values,
        cast(min(user_counts.user_id) as varchar) as first_value
    from core.user_counts
    where user_counts.n_events > 0
    group by user_counts.n_events
    union all
    select
        'item_id' as column_name,
        item_counts.n_events,
        count(*) as n_values,
        cast(min(item_counts.item_id) as varchar) as first_value
    from core.item_counts
    where item_counts.n_events > 0
    group by item_counts.n_events
    union all
    select
        'basket_id' as column_name,
        basket_counts.n_events,
        count(*) as n_values,
        cast(min(basket_counts.basket_id) as varchar) as first_value
    from basket_counts
    group by basket_counts.n_events
    union all
    select
        'source_file' as column_name,
        file_counts.n_events,
        count(*) as n_values,
        min(file_counts.source_file) as first_value
    from file_counts
    group by file_counts.n_events
)

select
    -- column of core.events
    frequencies.column_name,
    -- different values of the column
    cast(sum(frequencies.n_values) as bigint) as n_distinct,
    -- the most frequent of them, as text
    arg_max(frequencies.first_value, frequencies.n_events) as top_value,
    -- events that have it
    max(frequencies.n_events) as n_top
from frequencies
group by frequencies.column_name
