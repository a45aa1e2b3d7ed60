-- The words and emoji of all playlist titles, with how often they stand there.
-- grain:  token
-- why:    titles of all kept playlists, whatever they hold and on whichever side of a split.

select
    -- a word in lower case, or an emoji
    playlist_tokens.token,
    -- playlists with the token in their title
    count(*) as n_playlists,
    -- times it stands in all titles, repeats within one included
    cast(sum(playlist_tokens.n) as bigint) as n
from core.playlist_tokens
group by playlist_tokens.token
