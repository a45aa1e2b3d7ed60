-- The measures of features.item_similarity, with what each says.
-- grain:   measure
-- why:     n is the number of counted baskets that hold both items, n(i) those that hold i, N all,
--          T(i) the sum of the pair counts of i. A new measure also needs its formula in
--          features.item_similarity and a place among the choices of similar_measure.
-- source:  Manning, Raghavan, Schütze 2008, Introduction to Information Retrieval (cosine,
--          Jaccard); Brin, Motwani, Ullman, Tsur 1997 (lift, there called interest)

select
    measures.measure,
    -- the formula, in n, n(i), n(j), N, T(i), T(j)
    measures.definition
from (
    values
        ('count', 'n'),
        ('cosine', 'n / sqrt(n(i) * n(j))'),
        ('jaccard', 'n / (n(i) + n(j) - n)'),
        ('lift', 'n * N / (n(i) * n(j))'),
        ('normalised_count', 'n / (T(i) + T(j))')
) as measures(measure, definition)
