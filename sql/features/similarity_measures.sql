-- The measures of features.item_similarity, with what each says.
-- grain:   measure
-- why:     n is the number of counted baskets that hold both items, n(i) those that hold i, N all,
--          T(i) the sum of the pair counts of i, S the sum of 1 / items over the baskets that hold
--          both; i is the item asked about, j its neighbour. A new measure also needs its formula
--          in features.item_similarity and a place among the choices of similar_measure.
-- source:  the papers in the column source
-- check:   n_digits between 0 and 12

select
    measures.measure,
    -- the formula, in n, n(i), n(j), N, T(i), T(j), S; logarithms are natural
    measures.definition,
    -- paper or book that has it
    measures.source,
    -- digits behind the point that decide an order: the last bits may differ between machines, and
    -- S is known to 12 digits only
    cast(measures.n_digits as integer) as n_digits,
    -- digits behind the point in which item_knn adds scores up: as many as large sums leave room
    -- for
    cast(measures.n_sum_digits as integer) as n_sum_digits,
    -- the value of the parameter in the formula: asymmetric_alpha or rp3_beta; 0 where it has none
    cast(
        case measures.measure
            when 'asymmetric_cosine' then $asymmetric_alpha
            when 'rp3beta' then $rp3_beta
            else 0
        end as double
    ) as exponent
from (
    values
        (
            'asymmetric_cosine',
            'n / (n(i)^a * n(j)^(1 - a)), a = asymmetric_alpha',
            'Aiolli 2013, Efficient top-N recommendation for very large scale binary rated data',
            12,
            12
        ),
        (
            'conditional',
            'n / n(i): the share of baskets with i that hold j',
            'Deshpande, Karypis 2004, Item-based top-N recommendation algorithms',
            12,
            12
        ),
        (
            'conditional_reverse',
            'n / n(j): the share of baskets with j that hold i',
            'Deshpande, Karypis 2004, Item-based top-N recommendation algorithms',
            12,
            12
        ),
        (
            'cosine',
            'n / sqrt(n(i) * n(j))',
            'Manning, Raghavan, Schütze 2008, Introduction to Information Retrieval',
            12,
            12
        ),
        ('count', 'n', 'none: the pairs as they are counted', 0, 0),
        (
            'dice',
            '2 * n / (n(i) + n(j))',
            'Dice 1945, Measures of the amount of ecologic association between species',
            12,
            12
        ),
        (
            'jaccard',
            'n / (n(i) + n(j) - n)',
            'Manning, Raghavan, Schütze 2008, Introduction to Information Retrieval',
            12,
            12
        ),
        (
            'lift',
            'n * N / (n(i) * n(j))',
            'Brin, Motwani, Ullman, Tsur 1997, Dynamic itemset counting (there called interest)',
            6,
            6
        ),
        (
            'log_likelihood',
            concat(
                'G² = 2 * sum over the cells k of the 2 x 2 table of baskets with and without i ',
                'and j of k * ln(k * N / (row * column)); without a sign: pairs that meet ',
                'less than chance score, too'
            ),
            'Dunning 1993, Accurate methods for the statistics of surprise and coincidence',
            6,
            6
        ),
        (
            'normalised_count',
            'n / (T(i) + T(j))',
            'none: the share of what both share with anything',
            12,
            12
        ),
        (
            'npmi',
            'pmi / ln(N / n), 1 where n = N',
            'Bouma 2009, Normalized (pointwise) mutual information in collocation extraction',
            12,
            12
        ),
        (
            'overlap',
            'n / min(n(i), n(j))',
            'Szymkiewicz 1934, Simpson 1943; Vijaymeena, Kavitha 2016 survey it',
            12,
            12
        ),
        (
            'p3alpha',
            'S / n(i): a random walk from i over one of its baskets to j, alpha = 1',
            'Cooper, Lee, Radinsky, Siegel 2014, Random walks in recommender systems',
            10,
            10
        ),
        (
            'pmi',
            'ln(n * N / (n(i) * n(j)))',
            'Church, Hanks 1990, Word association norms, mutual information, and lexicography',
            12,
            12
        ),
        (
            'rp3beta',
            'S / n(i) / n(j)^b, b = rp3_beta: p3alpha, popular neighbours held back',
            'Paudel et al. 2017, Updatable, accurate, diverse, and scalable recommendations',
            10,
            10
        )
) as measures(measure, definition, source, n_digits, n_sum_digits)
where $measures is null or list_contains($measures, measures.measure)
