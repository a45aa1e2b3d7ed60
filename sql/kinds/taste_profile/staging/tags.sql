-- The artists of the songs, as tags.
-- grain:  tag_type, tag_id
-- why:    the source gives artists no ids: two of one name are one tag.

select
    'artist' as tag_type,
    songs.artist as tag_id,
    songs.artist as tag_name
from staging.songs
where songs.artist is not null
group by songs.artist
