-- Each judged user's metrics, for each model and list length.
-- grain:  model_name, user_id, metric, k
-- why:    users without test items are absent, not zero: recall and ndcg are 0/0 for them.
-- check:  value between 0 and 1.000001
-- as:     view

select
    user_hits.model_name,
    user_hits.user_id,
    -- precision: hits / k; recall: hits / test items; ndcg: gain / ideal gain
    'precision' as metric,
    -- list length that is judged
    user_hits.k,
    -- 0 to 1, bigger is better
    user_hits.n_hits / cast(user_hits.k as double) as value
from eval.user_hits
union all
select
    user_hits.model_name,
    user_hits.user_id,
    'recall' as metric,
    user_hits.k,
    user_hits.n_hits / cast(user_hits.n_test_items as double) as value
from eval.user_hits
union all
select
    user_hits.model_name,
    user_hits.user_id,
    'ndcg' as metric,
    user_hits.k,
    user_hits.gain / user_hits.ideal_gain as value
from eval.user_hits
