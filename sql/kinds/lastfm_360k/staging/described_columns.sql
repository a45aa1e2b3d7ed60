-- What each column of the selected rows holds: how many values, the most frequent, and of numbers
-- their mean, spread and quartiles.
-- grain:   input_name, column_name
-- why:     from counts by value, exactly: sums are of integers, the squares around the whole number
--          below the mean, where nothing cancels. A value of plays or age that is no integer counts
--          in n_rows and n_distinct, not among the numbers.
-- source:  quartiles between two values in a straight line: Hyndman, Fan 1996, definition 7
-- check:   n_missing <= n_rows

with
-- one row per column and value, as a number where the column holds numbers
typed_values as (
    select
        column_values.input_name,
        column_values.column_name,
        column_values.value,
        column_values.n_rows,
        case
            when
                column_values.column_name in ('plays', 'age')
                and regexp_matches(column_values.value, '^[+-]?0*[0-9]{1,12}$')
                then try_cast(column_values.value as bigint)
        end as number,
        row_number() over (
            partition by
                column_values.input_name,
                column_values.column_name,
                column_values.value is null
            order by column_values.n_rows desc, column_values.value
        ) as turn
    from staging.column_values
),

-- one row per column
counted_columns as (
    select
        typed_values.input_name,
        typed_values.column_name,
        cast(sum(typed_values.n_rows) as bigint) as n_rows,
        cast(
            coalesce(sum(typed_values.n_rows) filter (where typed_values.value is null), 0)
            as bigint
        ) as n_missing,
        count(typed_values.value) as n_distinct,
        max(case when typed_values.turn = 1 then typed_values.value end) as top_value,
        max(
            case
                when typed_values.turn = 1 and typed_values.value is not null
                    then typed_values.n_rows
            end
        ) as n_top
    from typed_values
    group by typed_values.input_name, typed_values.column_name
),

-- one row per column and number, with the numbers up to it: 1 and 01 are one number
running_numbers as (
    select
        typed_values.input_name,
        typed_values.column_name,
        typed_values.number,
        cast(sum(typed_values.n_rows) as bigint) as n_rows,
        cast(
            sum(sum(typed_values.n_rows)) over (
                partition by typed_values.input_name, typed_values.column_name
                order by typed_values.number
            ) as bigint
        ) as n_so_far
    from typed_values
    where typed_values.number is not null
    group by typed_values.input_name, typed_values.column_name, typed_values.number
),

-- one row per column of numbers: their mean, and the places of the quartiles, counted from 0
placed_quartiles as (
    select
        running_numbers.input_name,
        running_numbers.column_name,
        cast(sum(running_numbers.n_rows) as bigint) as n_numbers,
        cast(sum(cast(running_numbers.number as decimal(18, 0)) * running_numbers.n_rows) as double)
        / cast(sum(running_numbers.n_rows) as double) as mean,
        cast(sum(running_numbers.n_rows) - 1 as double) * 0.25e0 as lower_place,
        cast(sum(running_numbers.n_rows) - 1 as double) * 0.5e0 as middle_place,
        cast(sum(running_numbers.n_rows) - 1 as double) * 0.75e0 as upper_place
    from running_numbers
    group by running_numbers.input_name, running_numbers.column_name
),

-- one row per column of numbers: the numbers at those places and right above them
quartile_numbers as (
    select
        placed_quartiles.input_name,
        placed_quartiles.column_name,
        max(placed_quartiles.n_numbers) as n_numbers,
        max(placed_quartiles.mean) as mean,
        max(placed_quartiles.lower_place - floor(placed_quartiles.lower_place)) as lower_rest,
        max(placed_quartiles.middle_place - floor(placed_quartiles.middle_place)) as middle_rest,
        max(placed_quartiles.upper_place - floor(placed_quartiles.upper_place)) as upper_rest,
        min(running_numbers.number) as smallest,
        max(running_numbers.number) as largest,
        min(case when n_so_far > floor(lower_place) then number end) as at_lower,
        min(case when n_so_far > ceil(lower_place) then number end) as above_lower,
        min(case when n_so_far > floor(middle_place) then number end) as at_middle,
        min(case when n_so_far > ceil(middle_place) then number end) as above_middle,
        min(case when n_so_far > floor(upper_place) then number end) as at_upper,
        min(case when n_so_far > ceil(upper_place) then number end) as above_upper
    from placed_quartiles
    inner join running_numbers
        on placed_quartiles.input_name = running_numbers.input_name
        and placed_quartiles.column_name = running_numbers.column_name
    group by placed_quartiles.input_name, placed_quartiles.column_name
),

-- one row per column of numbers: sums of differences from the whole number below the mean
summed_differences as (
    select
        running_numbers.input_name,
        running_numbers.column_name,
        cast(
            sum(
                cast(number - cast(floor(mean) as bigint) as decimal(18, 0))
                * running_numbers.n_rows
            ) as double
        ) as difference_sum,
        cast(
            sum(
                -- wider than it need be: DuckDB multiplies two narrow decimals in 18 digits
                cast(number - cast(floor(mean) as bigint) as decimal(24, 0))
                * cast(number - cast(floor(mean) as bigint) as decimal(14, 0))
                * cast(running_numbers.n_rows as decimal(10, 0))
            ) as double
        ) as square_sum
    from running_numbers
    inner join placed_quartiles
        on running_numbers.input_name = placed_quartiles.input_name
        and running_numbers.column_name = placed_quartiles.column_name
    group by running_numbers.input_name, running_numbers.column_name
)

select
    -- the input: plays or profiles
    counted_columns.input_name,
    -- the column of the input
    counted_columns.column_name,
    -- selected rows
    counted_columns.n_rows,
    -- selected rows without a value
    counted_columns.n_missing,
    -- different values
    counted_columns.n_distinct,
    -- the most frequent value, of equally frequent ones the smallest text
    counted_columns.top_value,
    -- rows that hold it
    counted_columns.n_top,
    -- mean of the numbers; this and what follows is null where the column has none
    quartile_numbers.mean,
    -- of a sample: divided by n - 1; null for a single number
    case
        when quartile_numbers.n_numbers > 1 then sqrt(
            (
                summed_differences.square_sum
                - summed_differences.difference_sum * summed_differences.difference_sum
                / quartile_numbers.n_numbers
            )
            / (quartile_numbers.n_numbers - 1)
        )
    end as standard_deviation,
    quartile_numbers.smallest,
    -- a quarter of the numbers lie below, between two of them in a straight line
    at_lower + (above_lower - at_lower) * lower_rest as lower_quartile,
    -- half of the numbers lie below
    at_middle + (above_middle - at_middle) * middle_rest as median,
    -- three quarters of the numbers lie below
    at_upper + (above_upper - at_upper) * upper_rest as upper_quartile,
    quartile_numbers.largest
from counted_columns
left join quartile_numbers
    on counted_columns.input_name = quartile_numbers.input_name
    and counted_columns.column_name = quartile_numbers.column_name
left join summed_differences
    on counted_columns.input_name = summed_differences.input_name
    and counted_columns.column_name = summed_differences.column_name
