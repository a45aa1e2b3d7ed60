-- The words and emoji of playlist titles, the most frequent first.
-- file:  title_tokens.csv

select
    title_tokens.token,
    title_tokens.n_playlists,
    title_tokens.n
from core.title_tokens
order by title_tokens.n_playlists desc, title_tokens.token
