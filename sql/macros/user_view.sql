-- What a user met last, and the five that each model would show next, by name: from user_view(17).
-- arguments: wanted_user_id

with
-- one row, or none where there is no such user
wanted_users as (
    select users.user_id
    from core.users
    where cast(users.user_id as varchar) = cast(wanted_user_id as varchar)
),

-- one row per event of the user, the last first
last_events as (
    select
        events.item_id,
        events.occurred_at,
        row_number() over (
            order by
                events.occurred_at desc nulls last,
                events.position desc nulls last,
                events.item_id
        ) as rank
    from core.events
    inner join wanted_users
        on events.user_id = wanted_users.user_id
),

-- one row per line of the view
shown_items as (
    select
        'last events' as shown,
        cast(null as varchar) as model_name,
        last_events.rank,
        last_events.item_id,
        last_events.occurred_at,
        cast(null as double) as score
    from last_events
    where last_events.rank <= 10
    union all
    select
        'recommendations' as shown,
        personal.model_name,
        personal.rank,
        personal.item_id,
        cast(null as timestamp) as occurred_at,
        personal.score
    from recs.personal
    inner join wanted_users
        on personal.user_id = wanted_users.user_id
    where personal.rank <= 5
),

-- one row per item that is shown and has genres
named_genres as (
    select
        item_tags.item_id,
        string_agg(
            coalesce(tags.tag_name, cast(tags.tag_id as varchar)), ', '
            order by coalesce(tags.tag_name, cast(tags.tag_id as varchar))
        ) as genres
    from core.item_tags
    inner join core.tags
        on item_tags.tag_type = tags.tag_type and item_tags.tag_id = tags.tag_id
    where
        item_tags.tag_type = 'genre'
        and item_tags.item_id in (select shown_items.item_id from shown_items)
    group by item_tags.item_id
)

select
    shown_items.shown,
    shown_items.model_name,
    shown_items.rank,
    shown_items.item_id,
    items.item_name,
    named_genres.genres,
    shown_items.occurred_at,
    shown_items.score
from shown_items
inner join core.items
    on shown_items.item_id = items.item_id
left join named_genres
    on shown_items.item_id = named_genres.item_id
order by shown_items.shown, shown_items.model_name, shown_items.rank
