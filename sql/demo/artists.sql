-- The demo's artists: a name, a genre and a place in the long tail, from which the files are made.
-- grain:  item_id
-- why:    made up, the same for a seed on every machine.

with
-- one row: the words that names are made of
name_words as (
    select
        concat(
            'Amber|Blue|Brass|Broken|Copper|Crimson|Distant|Electric|Empty|Fading|',
            'Frozen|Gentle|Gilded|Golden|Hidden|Hollow|Idle|Iron|Ivory|Last|Little|',
            'Lonely|Lucky|Midnight|Northern|Pale|Paper|Patient|Quiet|Restless|',
            'Rusty|Scarlet|Secret|Silent|Silver|Velvet|Wandering|Wild|Winter|Young'
        ) as first_words,
        concat(
            'Anchors|Arrows|Atlas|Badgers|Bells|Bridges|Canyons|Captains|Comets|',
            'Crows|Ducks|Echoes|Engines|Falcons|Ferns|Foxes|Giants|Harbours|Herons|',
            'Horses|Islands|Kites|Lanterns|Letters|Lions|Maps|Mirrors|Mountains|',
            'Oaks|Orchards|Owls|Pilots|Planets|Poets|Radios|Rivers|Rooftops|',
            'Sailors|Satellites|Shadows|Signals|Sparrows|Storms|Streets|Strangers|',
            'Thieves|Tides|Towers|Trains|Wolves'
        ) as second_words
),

-- one row per artist
drawn_items as (
    select
        cast(unnested.item_id as bigint) as item_id,
        split_part(
            name_words.first_words, '|', cast((unnested.item_id - 1) % 40 + 1 as integer)
        ) as first_word,
        split_part(
            name_words.second_words, '|', cast((unnested.item_id - 1) // 40 + 1 as integer)
        ) as second_word,
        concat(cast($seed as varchar), '|', cast(unnested.item_id as varchar)) as draw_key
    from name_words
    cross join unnest(generate_series(1, 2000)) as unnested(item_id)
),

-- one row per artist, with its genre
genre_items as (
    select
        drawn_items.item_id,
        concat('The ', drawn_items.first_word, ' ', drawn_items.second_word) as item_name,
        cast(floor(12 * unit_hash(concat('demo_genre|', drawn_items.draw_key))) as bigint) + 1
            as genre_id,
        unit_hash(concat('demo_fame|', drawn_items.draw_key)) as fame_share
    from drawn_items
)

select
    genre_items.item_id,
    genre_items.item_name,
    -- 1 to 12
    genre_items.genre_id,
    -- place within the genre, 0 is the most popular
    cast(
        row_number() over (
            partition by genre_items.genre_id
            order by genre_items.fame_share, genre_items.item_id
        ) - 1 as bigint
    ) as genre_place,
    count(*) over (partition by genre_items.genre_id) as n_genre_items,
    -- place among all, 0 is the most popular
    cast(
        row_number() over (order by genre_items.fame_share, genre_items.item_id) - 1 as bigint
    ) as place
from genre_items
