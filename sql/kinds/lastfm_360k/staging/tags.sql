-- No tags: this source has none.
-- grain:  none
-- why:    the staging contract asks for the table.

select
    cast(null as varchar) as tag_type,
    cast(null as varchar) as tag_id,
    cast(null as varchar) as tag_name
where false
