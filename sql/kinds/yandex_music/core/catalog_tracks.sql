-- How often each track that the catalog names was met, before any user is left out.
-- grain:  item_id
-- why:    for people, not for models: it counts test rows too. Unused and rejected tracks are here
--         with 0; albums, artists and genres are counted in core.tag_counts.

select
    catalog_names.id as item_id,
    catalog_names.name as item_name,
    -- events of the track, 0 where nobody met it
    coalesce(tracks_grouped.n_events, 0) as n_events
from staging.catalog_names
left join core.tracks_grouped
    on catalog_names.id = tracks_grouped.item_id
where catalog_names.type = 'track'
