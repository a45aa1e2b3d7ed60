-- The artists of the catalog, with how many kept tracks carry each; unused ones have 0.
-- file:  catalog_artists.parquet

select
    tag_counts.tag_id as id,
    tag_counts.tag_name as name,
    tag_counts.n_items as count
from core.tag_counts
where tag_counts.tag_type = 'artist'
order by tag_counts.tag_id
