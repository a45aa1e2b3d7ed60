-- A line an item: the item, then its similar items, best first, separated by blanks.
-- file:   neighbours.txt
-- check:  not holds_blank
--         -- an id holds a blank or is empty, and blanks separate ids in this format; write a CSV:
--         query "from recs.similar_items" --format csv

with
-- one row per item and neighbour, the ids as text
listed_ids as (
    select
        similar_items.item_id,
        similar_items.rank,
        cast(similar_items.item_id as varchar) as item_text,
        cast(similar_items.similar_item_id as varchar) as similar_text,
        -- of any alphabet: readers split at them
        '^$|[\s\x1c-\x1f\x{85}\p{Z}]' as blank
    from recs.similar_items
)

select
    concat(
        listed_ids.item_text,
        ' ',
        string_agg(listed_ids.similar_text, ' ' order by listed_ids.rank)
    ) as line,
    bool_or(
        regexp_matches(listed_ids.item_text, listed_ids.blank)
        or regexp_matches(listed_ids.similar_text, listed_ids.blank)
    ) as holds_blank
from listed_ids
group by listed_ids.item_id, listed_ids.item_text
order by listed_ids.item_id
