-- The selected profiles, column by column.
-- grain:  column_name
-- why:    described before any row is rejected: what is missing is part of the picture.
-- as:     view

select
    -- the column of the profile files
    described_columns.column_name,
    -- selected profiles, each user once
    described_columns.n_rows,
    -- rows without a value
    described_columns.n_missing,
    -- different values
    described_columns.n_distinct,
    -- the most frequent value, of equally frequent ones the smallest text
    described_columns.top_value,
    -- rows that hold it
    described_columns.n_top,
    -- mean of the numbers; this and what follows is null where the column has none
    described_columns.mean,
    -- of a sample: divided by n - 1
    described_columns.standard_deviation,
    described_columns.smallest,
    described_columns.lower_quartile,
    described_columns.median,
    described_columns.upper_quartile,
    described_columns.largest
from staging.described_columns
where described_columns.input_name = 'profiles'
