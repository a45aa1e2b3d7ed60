-- How each metric is defined: the field uses one name for several figures.
-- grain:  metric, convention
-- why:    hits are the user's test items among the first k of the list. Figures compare only within
--         one convention.

select
    conventions.metric,
    -- which of the definitions of the metric
    conventions.convention,
    -- the formula, over the judged users
    conventions.definition,
    -- paper or library that defines it so
    conventions.source
from (
    values
        (
            'precision',
            'hits_over_k',
            'mean over users of hits / k',
            'Manning, Raghavan, Schütze 2008, Introduction to Information Retrieval, 8.4'
        ),
        (
            'precision',
            'hits_over_attainable',
            'sum of hits / sum of min(k, test items of the user)',
            'implicit.evaluation.ranking_metrics_at_k'
        ),
        (
            'recall',
            'hits_over_test_items',
            'mean over users of hits / test items of the user',
            'Manning, Raghavan, Schütze 2008, Introduction to Information Retrieval, 8.3'
        ),
        (
            'ndcg',
            'binary_gain',
            concat(
                'mean over users of gain / ideal gain; gain is the sum over hits of 1 / log2 of ',
                '(rank + 1), ideal with min(k, test items of the user) hits on top'
            ),
            'Järvelin, Kekäläinen 2002; implicit.evaluation.ranking_metrics_at_k'
        )
) as conventions(metric, convention, definition, source)
