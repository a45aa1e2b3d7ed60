-- The selected plays, column by column.
-- grain:  column_name
-- why:    described before any row is rejected: what is missing is part of the picture.
-- as:     view

select
    -- the column of the play files
    column_statistics.column_name,
    -- selected rows of the play files
    column_statistics.n_rows,
    -- rows without a value
    column_statistics.n_missing,
    -- different values
    column_statistics.n_distinct,
    -- the most frequent value, of equally frequent ones the smallest text
    column_statistics.top_value,
    -- rows that hold it
    column_statistics.n_top,
    -- mean of the numbers; this and what follows is null where the column has none
    column_statistics.mean,
    -- of a sample: divided by n - 1
    column_statistics.standard_deviation,
    column_statistics.smallest,
    column_statistics.lower_quartile,
    column_statistics.median,
    column_statistics.upper_quartile,
    column_statistics.largest
from staging.column_statistics
where column_statistics.input_name = 'plays'
