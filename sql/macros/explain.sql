-- What each column of a table means: from explain('core.items').
-- arguments: table_name

select
    duckdb_columns.column_name,
    duckdb_columns.data_type,
    duckdb_columns.comment
from duckdb_columns()
where
    duckdb_columns.database_name = current_database()
    and concat(duckdb_columns.schema_name, '.', duckdb_columns.table_name) = table_name
order by duckdb_columns.column_index
