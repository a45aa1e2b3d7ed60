-- The other ids of items, each with the id it stands for, or why not.
-- grain:    bad_id
-- why:      of several targets the smallest wins, so that the order of files does not matter. A row
--           without either id says nothing; such rows stand in published alias tables.
-- gate of:  files.aliases

with
-- one row per row of the alias files, with its turn among the complete rows of its bad_id
numbered_aliases as (
    select
        aliases.bad_id,
        aliases.good_id,
        aliases.unfit_bad_id or aliases.unfit_good_id as is_unfit,
        aliases.bad_line,
        aliases.bad_value,
        row_number() over (
            partition by aliases.bad_id, aliases.good_id is null
            order by aliases.good_id
        ) as turn
    from files.aliases
)

select
    -- an id that files may use
    numbered_aliases.bad_id,
    -- the id that it stands for; it may be bad itself
    numbered_aliases.good_id,
    numbered_aliases.bad_value as rejected_value,
    case
        when numbered_aliases.bad_line then 'bad_line'
        when numbered_aliases.is_unfit then 'unfit_id'
        when numbered_aliases.bad_id is null or numbered_aliases.good_id is null then 'missing_id'
        when numbered_aliases.turn > 1 then 'duplicate_bad_id'
    end as reject_reason
from numbered_aliases
