-- How many ids of each file beside the events are ids of the events, by file.
-- grain:         input
-- why:           ids are compared as they are written: 00016 is not 16, and nothing has a name.
--                Few is less than 5 % of the shorter list, since a catalogue may be far wider or
--                far narrower than the events. So are near misses of 5 %: ids that are the same
--                without case, blanks, leading zeros and a trailing .0.
-- check:         n_matched <= n_file_ids and n_matched <= n_other_ids
-- check (warn):  n_near = 0 or (
--                20 * n_matched >= least(n_file_ids, n_other_ids)
--                and 20 * n_near < least(n_file_ids, n_other_ids)
--                )
--                -- {n_matched:,} of {n_file_ids:,} ids in {input} match the {n_other_ids:,} ids in
--                {other_input} by {id_column}, and {n_near:,} miss by little: "{example_id}" ~
--                "{example_other_id}". Write both alike; numbers are read as numbers with
--                --reader '{other_input}.columns={{id_column}="bigint"}'
-- check (warn):  n_near > 0 or 20 * n_matched >= least(n_file_ids, n_other_ids)
--                -- {n_matched:,} of {n_file_ids:,} ids in {input} match the {n_other_ids:,} ids in
--                {other_input} by {id_column}; {input} has for example "{example_id}",
--                {other_input} "{example_other_id}". Another column is read with
--                --column {input}.NAME=COLUMN
-- only if:       files.items, files.users, files.tags, files.item_tags, files.aliases
-- built with:    core.events

with
-- one row per input and id
file_ids as (
    select
        'items' as input,
        'item_id' as id_column,
        cast(catalog_items.item_id as varchar) as id
    from staging.catalog_items
    where catalog_items.item_id is not null
    group by catalog_items.item_id
    union all
    select 'users', 'user_id', cast(catalog_users.user_id as varchar)
    from staging.catalog_users
    where catalog_users.user_id is not null
    group by catalog_users.user_id
    union all
    select 'item_tags', 'item_id', cast(item_tags.item_id as varchar)
    from staging.item_tags
    where item_tags.item_id is not null
    group by item_tags.item_id
    union all
    select 'tags', 'tag_id', cast(tags.tag_id as varchar)
    from staging.tags
    where tags.tag_id is not null
    group by tags.tag_id
    union all
    select 'aliases', 'item_id', cast(all_aliases.id as varchar)
    from (
        select aliases.bad_id as id from staging.aliases
        union all
        select aliases.good_id from staging.aliases
    ) as all_aliases
    group by all_aliases.id
),

-- one row per id that those are held against
other_ids as (
    select
        'events' as other_input,
        'item_id' as id_column,
        cast(events.item_id as varchar) as id
    from staging.events
    where events.item_id is not null
    group by events.item_id
    union all
    select 'events', 'user_id', cast(events.user_id as varchar)
    from staging.events
    where
        events.user_id is not null
        -- distinct users of many events are dear: only where somebody asks
        and exists (select catalog_users.user_id from staging.catalog_users)
    group by events.user_id
    union all
    select 'item_tags', 'tag_id', cast(item_tags.tag_id as varchar)
    from staging.item_tags
    where item_tags.tag_id is not null
    group by item_tags.tag_id
),

-- one row per column of ids
other_counts as (
    select
        other_ids.id_column,
        other_ids.other_input,
        count(*) as n_other_ids,
        min(other_ids.id) as first_id
    from other_ids
    group by other_ids.id_column, other_ids.other_input
),

-- one row per input and id, with whether it matches, and how it reads without what often differs
matched_ids as (
    select
        file_ids.input,
        file_ids.id_column,
        file_ids.id,
        other_ids.id is not null as is_matched,
        regexp_replace(
            regexp_replace(lower(trim(file_ids.id)), '[.,]0+$', '', 'g'), '^0+', '', 'g'
        ) as plain_id
    from file_ids
    left join other_ids
        on file_ids.id_column = other_ids.id_column and file_ids.id = other_ids.id
),

-- one row per id that does not match and each other id that reads alike, numbered by input
near_ids as (
    select
        matched_ids.input,
        matched_ids.id,
        other_ids.id as other_id,
        row_number() over (
            partition by matched_ids.input
            order by matched_ids.id, other_ids.id
        ) as place
    from matched_ids
    inner join other_ids
        on matched_ids.id_column = other_ids.id_column
        and matched_ids.plain_id = regexp_replace(
            regexp_replace(lower(trim(other_ids.id)), '[.,]0+$', '', 'g'), '^0+', '', 'g'
        )
    where not matched_ids.is_matched
),

-- one row per input with near misses
near_counts as (
    select
        near_ids.input,
        count(distinct near_ids.id) as n_near,
        max(case when near_ids.place = 1 then near_ids.id end) as example_id,
        max(case when near_ids.place = 1 then near_ids.other_id end) as example_other_id
    from near_ids
    group by near_ids.input
),

-- one row per input
file_counts as (
    select
        matched_ids.input,
        matched_ids.id_column,
        count(*) as n_file_ids,
        cast(sum(case when matched_ids.is_matched then 1 else 0 end) as bigint) as n_matched,
        min(case when not matched_ids.is_matched then matched_ids.id end) as first_id
    from matched_ids
    group by matched_ids.input, matched_ids.id_column
)

select
    -- the files whose ids are held against others: items, users, item_tags, tags or aliases
    file_counts.input,
    -- what the ids are held against: events, or item_tags for tags
    other_counts.other_input,
    -- which id: item_id, user_id or tag_id
    file_counts.id_column,
    -- distinct ids in the files; of aliases both ids count
    file_counts.n_file_ids,
    -- distinct ids they are held against
    other_counts.n_other_ids,
    -- ids that stand in both
    file_counts.n_matched,
    -- ids of the files that match none, but would without case, blanks, leading zeros or a trailing
    -- .0
    coalesce(near_counts.n_near, 0) as n_near,
    -- an id of the files that matches none, a near miss if there is one; null where all match
    coalesce(near_counts.example_id, file_counts.first_id) as example_id,
    -- what it is near to, or the first of the other ids
    coalesce(near_counts.example_other_id, other_counts.first_id) as example_other_id
from file_counts
inner join other_counts
    on file_counts.id_column = other_counts.id_column
left join near_counts
    on file_counts.input = near_counts.input
