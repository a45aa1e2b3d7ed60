-- Each column of the events described: what is missing, what is frequent, how numbers are spread.
-- grain:   column_name
-- why:     for people, over all events. A quartile between two neighbours is interpolated, as in
--          pandas; all are read off how often each number stands there: nothing but different
--          numbers is sorted. Squares are added as shares of the largest, in decimals, so that no
--          order of rows changes a digit. Different times are not counted: nearly all are.
-- source:  quartiles: Hyndman & Fan 1996, Sample quantiles in statistical packages, definition 7
-- check:   n_missing between 0 and n_rows
-- check:   smallest is null or (lower_quartile <= median and median <= upper_quartile)

with
-- one row: how many events there are, and how many have a value
counted_events as (
    select
        count(*) as n_rows,
        count(events.user_id) as n_user_ids,
        count(events.item_id) as n_item_ids,
        count(events.weight) as n_weights,
        count(events.occurred_at) as n_times,
        count(events.basket_id) as n_basket_ids,
        count(events.position) as n_positions,
        count(events.source_file) as n_source_files
    from core.events
),

-- one row per column of the events
counted_columns as (
    select
        1 as place,
        'user_id' as column_name,
        n_rows,
        n_user_ids as n_values
    from counted_events
    union all
    select 2, 'item_id', n_rows, n_item_ids from counted_events
    union all
    select 3, 'weight', n_rows, n_weights from counted_events
    union all
    select 4, 'occurred_at', n_rows, n_times from counted_events
    union all
    select 5, 'basket_id', n_rows, n_basket_ids from counted_events
    union all
    select 6, 'position', n_rows, n_positions from counted_events
    union all
    select 7, 'source_file', n_rows, n_source_files from counted_events
),

-- one row per column of numbers
number_means as (
    select
        number_counts.column_name,
        cast(sum(number_counts.n_events) as bigint) as n_values,
        cast(sum(number_counts.number * number_counts.n_events) as double)
        / cast(sum(number_counts.n_events) as bigint) as mean
    from core.number_counts
    group by number_counts.column_name
),

-- one row per column and number, with the sum of squared distances from the mean
distant_numbers as (
    select
        number_counts.column_name,
        cast(number_counts.number as double) as number,
        number_counts.n_events,
        number_means.n_values,
        number_means.mean,
        number_counts.n_events
        * (cast(number_counts.number as double) - number_means.mean)
        * (cast(number_counts.number as double) - number_means.mean) as squares
    from core.number_counts
    inner join number_means
        on number_counts.column_name = number_means.column_name
),

-- one row per column and number, with the values up to it
running_numbers as (
    select
        distant_numbers.column_name,
        distant_numbers.number,
        distant_numbers.n_values,
        distant_numbers.mean,
        distant_numbers.squares,
        max(distant_numbers.squares) over (
            partition by distant_numbers.column_name
        ) as largest_squares,
        cast(
            sum(distant_numbers.n_events) over (
                partition by distant_numbers.column_name
                order by distant_numbers.number
                rows between unbounded preceding and current row
            ) as bigint
        ) as n_up_to
    from distant_numbers
),

-- one row per column of numbers: value k of n, from 0, is the least with more than k up to it
number_figures as (
    select
        column_name,
        n_values,
        mean,
        count(*) as n_distinct,
        max(largest_squares) * cast(
            sum(cast(squares / nullif(largest_squares, 0) as decimal(38, 18))) as double
        ) as sum_of_squares,
        min(number) as smallest,
        min(number) filter (where n_up_to > (n_values - 1) // 4) as below_lower,
        min(number) filter (where n_up_to > (n_values + 2) // 4) as above_lower,
        min(number) filter (where n_up_to > (n_values - 1) // 2) as below_median,
        min(number) filter (where n_up_to > n_values // 2) as above_median,
        min(number) filter (where n_up_to > 3 * (n_values - 1) // 4) as below_upper,
        min(number) filter (where n_up_to > (3 * n_values) // 4) as above_upper,
        max(number) as largest
    from running_numbers
    group by column_name, n_values, mean
)

select
    -- column of core.events
    counted_columns.column_name,
    -- events
    counted_columns.n_rows,
    -- events without a value
    counted_columns.n_rows - counted_columns.n_values as n_missing,
    -- different values; null for times
    case
        when counted_columns.column_name <> 'occurred_at'
            then coalesce(top_values.n_distinct, number_figures.n_distinct, 0)
    end as n_distinct,
    -- the most frequent value of an id or text, the smaller of two
    top_values.top_value,
    -- events that have it
    top_values.n_top,
    -- null here and below where the column has no numbers
    number_figures.mean,
    -- of a sample, by n - 1; null for one value
    sqrt(
        case
            when number_figures.smallest = number_figures.largest then 0e0
            else number_figures.sum_of_squares
        end
        / nullif(number_figures.n_values - 1, 0)
    ) as standard_deviation,
    number_figures.smallest,
    -- a quarter of the values is at most this
    number_figures.below_lower
    + (number_figures.above_lower - number_figures.below_lower)
    * ((number_figures.n_values - 1) % 4) / 4e0 as lower_quartile,
    number_figures.below_median
    + (number_figures.above_median - number_figures.below_median)
    * ((number_figures.n_values - 1) % 2) / 2e0 as median,
    -- three quarters of the values are at most this
    number_figures.below_upper
    + (number_figures.above_upper - number_figures.below_upper)
    * (3 * (number_figures.n_values - 1) % 4) / 4e0 as upper_quartile,
    number_figures.largest
from counted_columns
left join core.top_values
    on counted_columns.column_name = top_values.column_name
left join number_figures
    on counted_columns.column_name = number_figures.column_name
order by counted_columns.place
