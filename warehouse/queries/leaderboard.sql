-- Which model's lists find most of what users did next: one line a model and list length.
select
    k,
    model_name,
    max(value) filter (where convention = 'hits_over_k') as precision_at_k,
    max(value) filter (where convention = 'hits_over_attainable') as precision_of_attainable,
    max(value) filter (where convention = 'hits_over_test_items') as recall,
    max(value) filter (where convention = 'binary_gain') as ndcg,
    any_value(n_users) as n_users
from eval.metrics
group by k, model_name
order by k, ndcg desc, model_name
