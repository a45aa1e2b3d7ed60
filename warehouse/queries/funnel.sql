-- Where every row went: what each gate took in, kept and rejected, with shares.
select
    stage,
    reason,
    n_rows,
    round(100.0 * n_rows / nullif(max(n_rows) filter (where reason = 'in') over (partition by stage), 0), 2) as percent
from meta.row_ledger
order by stage, reason <> 'in', reason <> 'kept', n_rows desc
