-- The stages that took longest and hold most.
select
    stage,
    elapsed_s,
    n_rows,
    n_bytes,
    n_parts
from meta.stages
where made_as <> 'view'
order by elapsed_s desc, stage
limit 10
