-- Each judged user's metrics, for each model and list length.
-- grain:  model_name, user_id, metric, k
-- why:    by the main convention of each metric in eval.conventions; eval.user_values has them all.
--         Users without test items are absent, not zero: recall and ndcg are 0/0 for them.
-- check:  value between 0 and 1.000001
-- as:     view

select
    user_values.model_name,
    user_values.user_id,
    -- precision, recall, ndcg, map, mrr, hit_rate or auc
    user_values.metric,
    -- list length that is judged
    user_values.k,
    -- 0 to 1, bigger is better
    user_values.value
from eval.user_values
inner join eval.conventions
    on user_values.metric = conventions.metric and user_values.convention = conventions.convention
where conventions.is_main
