-- The genres of the catalog, with how many kept tracks carry each; unused ones have 0.
-- file:  catalog_genres.parquet

select
    tag_counts.tag_id as id,
    tag_counts.tag_name as name,
    tag_counts.n_items as count
from core.tag_counts
where tag_counts.tag_type = 'genre'
order by tag_counts.tag_id
