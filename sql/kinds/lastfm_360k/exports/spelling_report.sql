-- The spellings of the artists that have too many of them, a row each.
-- file:           spelling_report.csv

select
    spelling_report.artist_id,
    spelling_report.n_names,
    spellings.artist_name,
    spellings.n_rows
from staging.spelling_report
inner join staging.spellings
    on spelling_report.artist_id = spellings.artist_id
order by
    spelling_report.artist_id,
    spellings.n_rows desc,
    spellings.artist_name
