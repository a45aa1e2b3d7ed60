-- Every assertion that does not hold, and how many were made.
select
    count(*) as n_assertions,
    count(*) filter (where n_failed > 0) as n_broken,
    string_agg(stage || ': ' || assertion, '; ' order by stage) filter (where n_failed > 0) as broken
from meta.checks
