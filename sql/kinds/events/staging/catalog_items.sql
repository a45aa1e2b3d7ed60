-- The rows of the catalogue files under the ids that count, or why not.
-- grain:    none
-- why:      an item's own name is better than one that stands beside an alias of it; without any of
--           its own, all names of its aliases come through, and core.items takes the smallest.
-- gate of:  files.items
-- harmless: alias_of_item

with
-- one row per row of the catalogue files, with the id that counts
resolved_items as (
    select
        coalesce(item_aliases.item_id, items.item_id) as item_id,
        items.item_name,
        items.bad_item_id,
        items.bad_line,
        items.bad_value,
        coalesce(item_aliases.item_id <> items.item_id, false) as is_alias
    from files.items
    left join staging.item_aliases
        on items.item_id = item_aliases.bad_id
)

select
    resolved_items.item_id,
    resolved_items.item_name,
    resolved_items.bad_value as rejected_value,
    case
        when resolved_items.bad_line then 'bad_line'
        when resolved_items.bad_item_id then 'bad_item_id'
        when resolved_items.is_alias and max(
            case
                when resolved_items.item_name is not null and not resolved_items.is_alias then 1
                else 0
            end
        ) over (partition by resolved_items.item_id) = 1 then 'alias_of_item'
    end as reject_reason
from resolved_items
