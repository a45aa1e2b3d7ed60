-- How much of the catalogue each model's lists show, and how unlike the charts they are.
-- grain:   model_name, k
-- why:     over all lists, whether anything judges them or not. The Gini index counts the items of
--          train that no list shows as 0: they come first in its order, and add nothing.
-- source:  definitions and papers in eval.conventions
-- check:   n_listed_items <= n_train_items and n_train_items <= n_catalogue_items
-- check:   gini between -0.000001 and 1 and novelty >= 0

with
-- one row per model: how many users have a list
listed_users as (
    select
        personal.model_name,
        count(*) as n_users
    from recs.personal
    where personal.rank = 1
    group by personal.model_name
),

-- one row: users of train
train_users as (
    select count(*) as n_users
    from features.user_activity
),

-- one row: items of train
train_items as (
    select count(*) as n_items
    from features.item_popularity
),

-- one row: items of the catalogue
catalogue_items as (
    select count(*) as n_items
    from core.items
),

-- one row per exposed item, with its place from the least exposed on, and what meeting it tells
placed_exposures as (
    select
        exposures.model_name,
        exposures.k,
        exposures.n_lists,
        row_number() over (
            partition by exposures.model_name, exposures.k
            order by exposures.n_lists desc, exposures.item_id
        ) as place_from_top,
        cast(
            round(-1e9 * ln(item_popularity.n_users / cast(train_users.n_users as double)) / ln(2))
            as bigint
        ) as information_units
    from eval.exposures
    inner join features.item_popularity
        on exposures.item_id = item_popularity.item_id
    cross join train_users
),

-- one row per model and list length
summed_exposures as (
    select
        placed_exposures.model_name,
        placed_exposures.k,
        count(*) as n_items,
        cast(sum(placed_exposures.n_lists) as bigint) as n_places,
        -- of n items the one in place p from the top stands n - p + 1 from the bottom
        cast(
            sum(
                placed_exposures.n_lists
                * (train_items.n_items - 2 * placed_exposures.place_from_top + 1)
            ) as double
        ) as gini_sum,
        cast(sum(placed_exposures.n_lists * placed_exposures.information_units) as double)
            as information_sum
    from placed_exposures
    cross join train_items
    group by placed_exposures.model_name, placed_exposures.k
)

select
    summed_exposures.model_name,
    -- list length that is judged
    summed_exposures.k,
    -- users with a list
    listed_users.n_users,
    -- distinct items among the first k of any list
    summed_exposures.n_items as n_listed_items,
    -- items of train: what can be listed
    train_items.n_items as n_train_items,
    -- items of the catalogue
    catalogue_items.n_items as n_catalogue_items,
    -- Gini index of the lists an item stands in: 0 all alike, 1 one item alone
    summed_exposures.gini_sum
    / (cast(train_items.n_items as double) * summed_exposures.n_places) as gini,
    -- mean over the places of the lists of -log2 of the share of train users who met the item
    summed_exposures.information_sum / (1e9 * summed_exposures.n_places) as novelty
from summed_exposures
inner join listed_users
    on summed_exposures.model_name = listed_users.model_name
cross join train_items
cross join catalogue_items
