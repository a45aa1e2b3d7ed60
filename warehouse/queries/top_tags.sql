-- The tags whose items were met most, of each type.
select
    tag_type,
    row_number() over (partition by tag_type order by n_events desc, tag_id) as rank,
    tag_name,
    n_items,
    n_events
from core.tag_counts
qualify rank <= 10
order by tag_type, rank
