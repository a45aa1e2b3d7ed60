-- Four secret numbers of each user who draws, from which the user's draws are hashed.
-- grain:  user_idx
-- why:    by the user's id and the seed alone, so that nobody's numbers depend on who else is
--         there. A text hash a user, and integer arithmetic for each draw: four times as fast.
-- check:  n_draws >= 1

select
    negative_quotas.user_idx,
    -- draws to make
    negative_quotas.n_draws,
    -- whole numbers from 0, below the prime 1,073,741,789
    cast(
        floor(
            1073741789 * unit_hash(
                concat(
                    'negatives|1|', cast($seed as varchar),
                    '|', cast(negative_quotas.user_id as varchar)
                )
            )
        ) as bigint
    ) as key_1,
    cast(
        floor(
            1073741789 * unit_hash(
                concat(
                    'negatives|2|', cast($seed as varchar),
                    '|', cast(negative_quotas.user_id as varchar)
                )
            )
        ) as bigint
    ) as key_2,
    cast(
        floor(
            1073741789 * unit_hash(
                concat(
                    'negatives|3|', cast($seed as varchar),
                    '|', cast(negative_quotas.user_id as varchar)
                )
            )
        ) as bigint
    ) as key_3,
    cast(
        floor(
            1073741789 * unit_hash(
                concat(
                    'negatives|4|', cast($seed as varchar),
                    '|', cast(negative_quotas.user_id as varchar)
                )
            )
        ) as bigint
    ) as key_4
from training.negative_quotas
where negative_quotas.n_draws > 0
