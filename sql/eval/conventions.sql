-- How each metric is defined: the field uses one name for several figures.
-- grain:  convention
-- why:    hits are the user's test items among the first k of the list, P the user's test items,
--         cap the smaller of k and P: what a list of k can find. Figures compare only within one
--         convention. A mean over users counts a user without a list with 0.

select
    conventions.metric,
    -- which of the definitions of the metric
    conventions.convention,
    -- true for the one that eval.user_metrics shows
    conventions.is_main,
    -- true where it is a mean over users of a value that each user has: eval.user_values
    conventions.metric not in ('coverage', 'gini', 'novelty')
    and conventions.convention <> 'hits_over_attainable' as is_user_mean,
    -- bigger, smaller, or neither by itself
    conventions.better,
    -- the formula
    conventions.definition,
    -- paper or library that defines it so
    conventions.source
from (
    values
        (
            'precision',
            'hits_over_k',
            true,
            'bigger',
            'mean over users of hits / k',
            'Manning, Raghavan, Schütze 2008, Introduction to Information Retrieval, 8.4; ranx'
        ),
        (
            'precision',
            'hits_over_attainable',
            false,
            'bigger',
            'sum over users of hits / sum of cap',
            'implicit.evaluation.ranking_metrics_at_k'
        ),
        (
            'recall',
            'hits_over_test_items',
            true,
            'bigger',
            'mean over users of hits / P',
            'Manning, Raghavan, Schütze 2008, Introduction to Information Retrieval, 8.3; ranx'
        ),
        (
            'recall',
            'hits_over_capped_test_items',
            false,
            'bigger',
            'mean over users of hits / cap',
            'Liang et al. 2018, Variational autoencoders for collaborative filtering, section 4.2'
        ),
        (
            'ndcg',
            'ideal_test_items',
            true,
            'bigger',
            concat(
                'mean over users of gain / ideal gain; gain is the sum over hits of 1 / log2 of ',
                '(rank + 1), ideal with cap hits on top'
            ),
            'Järvelin, Kekäläinen 2002; implicit.evaluation.ranking_metrics_at_k; ranx'
        ),
        (
            'ndcg',
            'ideal_full_list',
            false,
            'bigger',
            'the same, ideal with k hits on top, however few test items the user has',
            'RecTools, metrics.NDCG'
        ),
        (
            'map',
            'precision_sum_over_attainable',
            true,
            'bigger',
            'mean over users of the sum over hits of (hits so far / rank), / cap',
            'implicit.evaluation.ranking_metrics_at_k'
        ),
        (
            'map',
            'precision_sum_over_test_items',
            false,
            'bigger',
            'mean over users of the sum over hits of (hits so far / rank), / P',
            'Manning, Raghavan, Schütze 2008, Introduction to Information Retrieval, 8.4; ranx'
        ),
        (
            'mrr',
            'first_hit',
            true,
            'bigger',
            'mean over users of 1 / rank of the first hit, 0 where there is none',
            'Voorhees 1999, The TREC-8 question answering track report; ranx'
        ),
        (
            'hit_rate',
            'any_hit',
            true,
            'bigger',
            'share of the users with a hit',
            'Deshpande, Karypis 2004, Item-based top-N recommendation algorithms; ranx'
        ),
        (
            'auc',
            'unlisted_at_chance',
            true,
            'bigger',
            concat(
                'mean over users of the share of (test item, other item of the catalogue) in the ',
                'right order, what is not among the first k in an order of chance'
            ),
            'implicit.evaluation.ranking_metrics_at_k'
        ),
        (
            'coverage',
            'listed_of_train_items',
            false,
            'bigger',
            'items among the first k of any list / items of train; over all lists',
            'Ge, Delgado-Battenfeld, Jannach 2010, Beyond accuracy: evaluating recommender systems'
        ),
        (
            'coverage',
            'listed_of_catalogue',
            false,
            'bigger',
            'items among the first k of any list / items of the catalogue; over all lists',
            'Ge, Delgado-Battenfeld, Jannach 2010, Beyond accuracy: evaluating recommender systems'
        ),
        (
            'gini',
            'exposure_of_train_items',
            false,
            'smaller',
            concat(
                'Gini index of the number of lists that show an item among the first k, over the ',
                'items of train: 0 all alike, 1 one item alone; over all lists'
            ),
            'Fleder, Hosanagar 2009, Blockbuster culture''s next rise or fall'
        ),
        (
            'novelty',
            'self_information',
            false,
            'neither',
            concat(
                'mean over all places of -log2 of (train users who met the item / train users), ',
                'in bits; over all lists'
            ),
            'Zhou et al. 2010, Solving the apparent diversity-accuracy dilemma'
        )
) as conventions(metric, convention, is_main, better, definition, source)
