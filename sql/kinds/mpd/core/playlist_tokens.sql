-- The words and emoji of each playlist's title, in lower case.
-- grain:  user_id, token
-- why:    a word is a run of letters and digits, with the marks above and below them. An emoji is
--         one token with its skin tone, its joined parts, or as a flag's pair of letters. The
--         variation selectors, which only say how to draw it, leave first: a heart is one heart.

with
-- one row per playlist with a title: its tokens in order, repeats included
titles as (
    select
        users.user_id,
        regexp_extract_all(
            regexp_replace(lower(users.user_name), '[\x{FE0E}\x{FE0F}]', '', 'g'),
            concat(
                '[\p{L}\p{Nd}][\p{L}\p{M}\p{Nd}]*',
                -- a flag
                '|[\x{1F1E6}-\x{1F1FF}]{2}',
                -- ‼ and ⁉, arrows, technical signs, shapes to dingbats, more arrows, pictographs
                '|[\x{203C}\x{2049}\x{2190}-\x{21FF}\x{2300}-\x{23FF}\x{25A0}-\x{27BF}',
                '\x{2B00}-\x{2BFF}\x{1F000}-\x{1FAFF}]',
                -- its skin tone or the letters of a region, then what a joiner adds
                '[\x{1F3FB}-\x{1F3FF}\x{E0020}-\x{E007F}]*',
                '(?:\x{200D}[\x{2190}-\x{27BF}\x{2B00}-\x{2BFF}\x{1F000}-\x{1FAFF}]',
                '[\x{1F3FB}-\x{1F3FF}]*)*'
            ),
            0
        ) as tokens
    from core.users
    where users.user_name is not null
),

-- one row per token of a title, repeats included
occurrences as (
    select
        titles.user_id,
        unnested.token
    from titles
    cross join unnest(titles.tokens) as unnested(token)
)

select
    occurrences.user_id,
    -- a word in lower case, or an emoji
    occurrences.token,
    -- times it stands in the title
    count(*) as n
from occurrences
group by occurrences.user_id, occurrences.token
