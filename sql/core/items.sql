-- Every item of the catalogue, each once, with its dense index.
-- grain:    item_id
-- why:      items without events stay: a catalogue is wider than what was met. Of a repeated id the
--           smallest name wins, a missing name last, so that the order of files does not matter.
-- check:    item_idx >= 0
-- check (warn):
--           lower(cast(item_id as varchar))
--           not in ('\n', 'null', 'nan', 'none', 'na', 'n/a', '<na>', 'nat')
--           -- one item is called {item_id}. If that means that there is none, say so by the
--           reader's option null, as in --reader "events.null=['{item_id}']"
-- gate of:  staging.items
-- harmless: duplicate_item_id

with
-- one row per staged item, judged
judged_items as (
    select
        items.item_id,
        items.item_name,
        case
            when items.item_id is null then 'missing_item_id'
            when row_number() over (
                partition by items.item_id
                order by items.item_name nulls last
            ) > 1 then 'duplicate_item_id'
        end as reject_reason
    from staging.items
)

select
    judged_items.item_id,
    judged_items.item_name,
    -- dense and 0-based in the order of item_id, for matrices only; null where rejected
    case
        when judged_items.reject_reason is null then cast(
            row_number() over (
                partition by judged_items.reject_reason is null
                order by judged_items.item_id
            ) - 1 as integer
        )
    end as item_idx,
    judged_items.reject_reason
from judged_items
