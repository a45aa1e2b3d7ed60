-- Which model's lists find most of what users did next, and how far they range: one line a model and list length.
select
    k,
    model_name,
    round(max(value) filter (where convention = 'hits_over_k'), 4) as precision_at_k,
    round(max(value) filter (where convention = 'hits_over_test_items'), 4) as recall,
    round(max(value) filter (where convention = 'ideal_test_items'), 4) as ndcg,
    round(max(value) filter (where convention = 'precision_sum_over_attainable'), 4) as map,
    round(max(value) filter (where convention = 'first_hit'), 4) as mrr,
    round(max(value) filter (where convention = 'any_hit'), 4) as hit_rate,
    round(max(value) filter (where convention = 'listed_of_train_items'), 4) as coverage,
    round(max(value) filter (where convention = 'self_information'), 2) as novelty_bits
from eval.metrics
group by k, model_name
order by k, ndcg desc, model_name
