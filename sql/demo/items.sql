-- The demo's artists: a name, a genre and a place in the long tail.
-- grain:  item_id
-- why:    made up, the same for a seed on every machine.

with
-- one row per artist, from 1
numbered_items as (
    select
        cast(unnested.item_id as bigint) as item_id,
        concat(
            'The ',
            list_extract(
                ['Amber', 'Blue', 'Brass', 'Broken', 'Copper', 'Crimson', 'Distant', 'Electric', 'Empty', 'Fading',
                'Frozen', 'Gentle', 'Gilded', 'Golden', 'Hidden', 'Hollow', 'Idle', 'Iron', 'Ivory', 'Last',
                'Little', 'Lonely', 'Lucky', 'Midnight', 'Northern', 'Pale', 'Paper', 'Patient', 'Quiet', 'Restless',
                'Rusty', 'Scarlet', 'Secret', 'Silent', 'Silver', 'Velvet', 'Wandering', 'Wild', 'Winter', 'Young'],
                cast((unnested.item_id - 1) % 40 + 1 as integer)
            ),
            ' ',
            list_extract(
                ['Anchors', 'Arrows', 'Atlas', 'Badgers', 'Bells', 'Bridges', 'Canyons', 'Captains', 'Comets', 'Crows',
                'Ducks', 'Echoes', 'Engines', 'Falcons', 'Ferns', 'Foxes', 'Giants', 'Harbours', 'Herons', 'Horses',
                'Islands', 'Kites', 'Lanterns', 'Letters', 'Lions', 'Maps', 'Mirrors', 'Mountains', 'Oaks', 'Orchards',
                'Owls', 'Pilots', 'Planets', 'Poets', 'Radios', 'Rivers', 'Rooftops', 'Sailors', 'Satellites', 'Shadows',
                'Signals', 'Sparrows', 'Storms', 'Streets', 'Strangers', 'Thieves', 'Tides', 'Towers', 'Trains', 'Wolves'],
                cast((unnested.item_id - 1) // 40 + 1 as integer)
            )
        ) as item_name,
        cast(floor(12 * unit_hash(concat('demo_genre|', $seed, '|', unnested.item_id))) as bigint) + 1 as genre_id
    from unnest(generate_series(1, 2000)) as unnested(item_id)
)

select
    numbered_items.item_id,
    numbered_items.item_name,
    -- 1 to 12
    numbered_items.genre_id,
    -- place within the genre, 0 is the most popular
    row_number() over (
        partition by numbered_items.genre_id
        order by unit_hash(concat('demo_fame|', $seed, '|', numbered_items.item_id)), numbered_items.item_id
    ) - 1 as genre_place,
    count(*) over (partition by numbered_items.genre_id) as n_genre_items,
    -- place among all, 0 is the most popular
    row_number() over (
        order by unit_hash(concat('demo_fame|', $seed, '|', numbered_items.item_id)), numbered_items.item_id
    ) - 1 as place
from numbered_items
