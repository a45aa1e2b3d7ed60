-- How many users, items, artists and albums a number of rows makes.
-- grain:  n_users
-- why:    rows are met exactly: users with few rows have theirs first, the others share the rest.
--         A cluster holds as many items as the busiest user picks of it, so that picks differ;
--         few rows make few clusters, that there are rows enough for each item. Their number is
--         prime: the steps of a taste never meet.

with
-- one row: the users of each sort
users as (
    select
        greatest(1, cast(round($rows / $rows_per_user) as bigint)) as n_long,
        cast(round($rows / $rows_per_user * $few_rows) as bigint) as n_few,
        cast(round($rows / $rows_per_user * $no_rows) as bigint) as n_none
),

-- one row: the rows that are left for the users of the long tail
user_rows as (
    select
        users.n_long,
        users.n_few,
        users.n_none,
        $rows - (users.n_few // $few_rows_most) * ($few_rows_most * ($few_rows_most + 1) // 2)
        - (users.n_few % $few_rows_most) * (users.n_few % $few_rows_most + 1) // 2 as n_long_rows
    from users
),

-- one row: the least items that a cluster must have
least_sizes as (
    select
        user_rows.n_long,
        user_rows.n_few,
        user_rows.n_none,
        user_rows.n_long_rows,
        tail_rows(0, user_rows.n_long, user_rows.n_long_rows, $user_flatness) // 2 + 2
            as n_least_items
    from user_rows
),

-- one row: the clusters that the items fill
clusters as (
    select
        least_sizes.n_long,
        least_sizes.n_few,
        least_sizes.n_none,
        least_sizes.n_long_rows,
        least_sizes.n_least_items,
        coalesce(list_max(list_filter(
            [7, 13, 31, 61],
            lambda prime: prime * least_sizes.n_least_items <= $rows / $rows_per_item
        )), 7) as n_clusters
    from least_sizes
),

-- one row: the items of each cluster
cluster_items as (
    select
        clusters.n_long,
        clusters.n_few,
        clusters.n_none,
        clusters.n_long_rows,
        clusters.n_clusters,
        greatest(
            cast(ceil($rows / $rows_per_item / clusters.n_clusters) as bigint),
            clusters.n_least_items
        ) as n_cluster_items
    from clusters
),

-- one row: the artists and albums of each cluster
cluster_sizes as (
    select
        cluster_items.n_long,
        cluster_items.n_few,
        cluster_items.n_none,
        cluster_items.n_long_rows,
        cluster_items.n_clusters,
        cluster_items.n_cluster_items,
        cast(ceil(cluster_items.n_cluster_items / $items_per_artist) as bigint)
            as n_cluster_artists,
        cast(ceil(cluster_items.n_cluster_items / $items_per_album) as bigint) as n_cluster_albums
    from cluster_items
)

select
    cluster_sizes.n_long + cluster_sizes.n_few + cluster_sizes.n_none as n_users,
    cast(0 as bigint) as first_user,
    cluster_sizes.n_long + cluster_sizes.n_few + cluster_sizes.n_none - 1 as last_user,
    -- users whose rows follow the long tail
    cluster_sizes.n_long,
    -- users with 1 … $few_rows_most rows
    cluster_sizes.n_few,
    -- rows of the users of the long tail
    cluster_sizes.n_long_rows,
    cast(cluster_sizes.n_clusters as bigint) as n_clusters,
    cluster_sizes.n_cluster_items,
    cluster_sizes.n_cluster_items * cluster_sizes.n_clusters as n_items,
    cast(0 as bigint) as first_item,
    cluster_sizes.n_cluster_items * cluster_sizes.n_clusters - 1 as last_item,
    cluster_sizes.n_cluster_artists,
    cluster_sizes.n_cluster_artists * cluster_sizes.n_clusters as n_artists,
    cluster_sizes.n_cluster_albums,
    cluster_sizes.n_cluster_albums * cluster_sizes.n_clusters as n_albums,
    -- where the scattered orders begin
    cast(hash($seed) % 1000000007 as bigint) as seed_shift
from cluster_sizes
