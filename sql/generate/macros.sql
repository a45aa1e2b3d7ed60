-- What the SELECTs of the generator share: draws, long tails, tastes, ids, names and JSON.
-- why:  hash() is 50 times faster than md5, and promised for one version of DuckDB alone: the same
--       seed gives the same files with the same DuckDB. Its name stands in Parquet files anyway.

-- Draws

-- A number in [0, 1) for a seed, a salt and a key. Hashed twice: hash() of several values ends in
-- an exclusive or with the last one, so that two users whose hashes begin alike would draw alike.
create or replace macro draw(seed, salt, key, turn := 0) as
    (hash(hash(seed, salt, key, turn)) >> 11) / 9007199254740992e0;

-- Another order of 0 … n - 1. 2147483579 is a safe prime: it leaves no n as it was but 1 and 2.
create or replace macro scattered(place, n, shift) as (place * 2147483579 + shift) % n;

-- Long tails: Zipf's law with exponent 1, flattened at its head. Rows at place x of 0 … 1 go as
-- 1 / (x + flatness).

-- The share of the rows that stand before a place …
create or replace macro tail_share(place, flatness) as
    ln(1 + place / flatness) / ln(1 + 1 / flatness);

-- … and the place before which a share of the rows stand.
create or replace macro tail_place(share, flatness) as
    flatness * (pow(1 + 1 / flatness, share) - 1);

-- The rows of the place-th (from 0) of n_places: they add up to n_rows exactly.
create or replace macro tail_rows(place, n_places, n_rows, flatness) as
    cast(round(n_rows * tail_share((place + 1) / n_places, flatness)) as bigint)
    - cast(round(n_rows * tail_share(place / n_places, flatness)) as bigint);

-- Tastes

-- The first cluster of a user's taste: those of small number have the most users.
create or replace macro first_cluster_of(seed, user_number, n_clusters) as
    cast(floor(n_clusters * pow(draw(seed, 'cluster', user_number), 1.5e0)) as bigint);

-- Where the parts of a user's n rows begin: 40 % are of the first cluster of the taste, 25 % of the
-- second, 10 % of the third, the rest of any other.
create or replace macro part_start(part, n) as
    case part
        when 0 then 0
        when 1 then n * 2 // 5
        when 2 then n * 13 // 20
        when 3 then n * 3 // 4
        else n
    end;

create or replace macro part_of(slot, n) as
    case
        when slot < part_start(1, n) then 0
        when slot < part_start(2, n) then 1
        when slot < part_start(3, n) then 2
        else 3
    end;

-- The i-th (from 0) of n different places among n_places, the first ones most often.
create or replace macro different_place(i, n, n_places, share, flatness) as
    i + cast(floor((n_places - n) * tail_place((i + share) / n, flatness)) as bigint);

-- The number of the album of an item, and of the artist of an album or item: of its own cluster.
create or replace macro album_of(seed, item_number, n_clusters, n_cluster_albums) as
    item_number % n_clusters
    + n_clusters * cast(floor(n_cluster_albums * draw(seed, 'album', item_number)) as bigint);

create or replace macro artist_of(seed, number, n_clusters, n_cluster_artists) as
    number % n_clusters
    + n_clusters * cast(floor(
        n_cluster_artists * tail_place(draw(seed, 'artist', number), 0.05e0)
    ) as bigint);

-- Ids, as each source writes them

-- Sixteen hexadecimal digits for a key, in capitals.
create or replace macro code_of(seed, salt, key) as
    printf('%016X', hash(hash(seed, salt, key)));

-- A user's forty digits, as a SHA-1 has.
create or replace macro sha1_like(seed, user_number) as
    lower(concat(
        code_of(seed, 'user', user_number),
        code_of(seed, 'user_2', user_number),
        substr(code_of(seed, 'user_3', user_number), 1, 8)
    ));

-- An artist's UUID.
create or replace macro uuid_like(seed, artist_number) as
    regexp_replace(
        lower(concat(code_of(seed, 'mbid', artist_number), code_of(seed, 'mbid_2', artist_number))),
        '^(.{8})(.{4}).(.{3})(.{4})(.{12})',
        '\1-\2-4\3-\4-\5'
    );

-- Five letters of the first digits of a code.
create or replace macro letters_of(code) as
    translate(substr(code, 1, 5), '0123456789', 'QRSTUVWXYZ');

-- A song: SO, five letters, 12, nine digits.
create or replace macro song_id_of(seed, song_number) as
    concat(
        'SO',
        letters_of(code_of(seed, 'song', song_number)),
        '12',
        substr(code_of(seed, 'song', song_number), 6, 9)
    );

-- A track: every 107th number from 133 on, in another order than the tracks'.
create or replace macro track_id_of(track_number, n_tracks, shift) as
    133 + 107 * scattered(track_number, n_tracks, shift);

-- A track, an artist or an album: twenty-two digits and letters.
create or replace macro spotify_id(seed, sort, number) as
    concat(
        code_of(seed, sort, number),
        substr(lower(code_of(seed, concat(sort, '_2'), number)), 1, 6)
    );

-- Names

-- The name of the k-th (from 0), with quotes, commas, slashes and blanks in some; with Latin-1
-- letters only unless is_wide. Different for each k: the 32,001st is the first with a number.
create or replace macro made_up_name(k, is_wide) as
    replace(replace(replace(
        [
            'The {a} {n}', '{a} {n}', '{n} of {a} {w}', '{a} {n} & the {w}s', '{w} {a} {n}',
            '{n} {a}', '{a} "{n}" {w}', '{a}, {n} and {w}', 'DJ {w} feat. {a} {n}', 'The {n}, {a}',
            '{w}''s {a} {n}', '{n} ({a} Version)', '¡{a}! {n}', '{a}/{n}', ' {a}  {n} ',
            '{a} {n} - "{w}"'
        ][(k + k // 2000) % 16 + 1],
        '{a}', [
            'Amber', 'Blue', 'Brass', 'Broken', 'Copper', 'Crimson', 'Distant', 'Electric', 'Empty',
            'Fading', 'Frozen', 'Gentle', 'Gilded', 'Golden', 'Hidden', 'Hollow', 'Idle', 'Iron',
            'Ivory', 'Last', 'Little', 'Lonely', 'Lucky', 'Midnight', 'Northern', 'Pale', 'Paper',
            'Patient', 'Quiet', 'Restless', 'Rusty', 'Scarlet', 'Secret', 'Silent', 'Silver',
            'Velvet', 'Wandering', 'Wild', 'Winter', 'Young'
        ][k % 40 + 1]),
        '{n}', [
            'Anchors', 'Arrows', 'Atlas', 'Badgers', 'Bells', 'Bridges', 'Canyons', 'Captains',
            'Comets', 'Crows', 'Ducks', 'Echoes', 'Engines', 'Falcons', 'Ferns', 'Foxes', 'Giants',
            'Harbours', 'Herons', 'Horses', 'Islands', 'Kites', 'Lanterns', 'Letters', 'Lions',
            'Maps', 'Mirrors', 'Mountains', 'Oaks', 'Orchards', 'Owls', 'Pilots', 'Planets',
            'Poets', 'Radios', 'Rivers', 'Rooftops', 'Sailors', 'Satellites', 'Shadows', 'Signals',
            'Sparrows', 'Storms', 'Streets', 'Strangers', 'Thieves', 'Tides', 'Towers', 'Trains',
            'Wolves'
        ][k // 40 % 50 + 1]),
        '{w}', case
            when is_wide and k % 3 = 0 then [
                'Łódź', '東京', 'Чайка', 'Ωμέγα', 'Đàn', 'şarkı', '서울', 'שלום', 'Žena', '🎧', 'नदी',
                'กรุงเทพ', 'Кино'
            ][k % 13 + 1]
            else [
                'Béa', 'Jürgen', 'Señor', 'Zoë', 'Åse', 'François', 'Björn', 'Straße', 'João',
                'Ana', 'Mary', 'Chloé', 'Íñigo'
            ][k % 13 + 1]
        end)
    || case when k >= 32000 then ' ' || (k // 32000 + 1) else '' end;

-- A name for a thing of a sort by number; other things may have it too.
create or replace macro name_by_draw(seed, sort, number, is_wide := true) as
    made_up_name(cast(hash(seed, sort, number) % 32000 as bigint), is_wide);

-- The title of a playlist, which tells something of its taste.
create or replace macro playlist_title(seed, user_number, n_clusters) as
    replace(
        [
            '{t}', '{t}', 'my {t}', '{t} 2017', '{t} mix', '{t}!!', ' {t} ', 'best of {t}, pt. 2',
            '"{t}"', 'été {t}'
        ][cast(hash(seed, 'title', user_number) % 10 as bigint) + 1],
        '{t}', [
            'country', 'chill', 'summer', 'workout', 'party', 'sleep', 'road trip', 'throwback',
            'Rock', 'Rap', 'indie', 'Christmas', 'study', 'wedding', 'feel good', 'gym', 'oldies',
            'Latino', 'jazz', 'METAL'
        ][first_cluster_of(seed, user_number, n_clusters) % 20 + 1]
    );

-- Music

-- 1:30 to 6:30, in milliseconds.
create or replace macro duration_of(seed, track_number) as
    90000 + cast(floor(300000 * draw(seed, 'duration', track_number)) as bigint);

-- A feature of a track from 0 to 1: three parts its cluster's, one part its own.
create or replace macro feature_of(seed, feature, track_number, n_clusters) as
    round(
        0.75e0 * draw(seed, feature, track_number % n_clusters)
        + 0.25e0 * draw(seed, concat(feature, '_own'), track_number),
        4
    );

-- Bytes and JSON

-- Latin-1, one byte a character; what it lacks becomes a question mark.
create or replace macro latin_1(text) as
    unhex(array_to_string(list_transform(
        string_split(text, ''),
        lambda letter: printf(
            '%02x', case when unicode(letter) < 256 then unicode(letter) else 63 end
        )
    ), ''));

create or replace macro json_text(text) as cast(to_json(text) as varchar);

create or replace macro line_break(indent) as concat(chr(10), repeat(' ', indent));

create or replace macro json_field(name, written) as concat('"', name, '": ', written);

-- The URI of a track, an artist or an album; a local file has one of another form.
create or replace macro json_uri(sort, is_local, seed, number) as
    json_field(concat(sort, '_uri'), concat(
        '"spotify:', case when is_local then 'local:' else '' end, sort, ':',
        spotify_id(seed, sort, number), '"'
    ));

-- A list or an object over lines, as Python's json.dump once wrote it: a blank ends each that goes
-- on.
create or replace macro json_lines(indent, opening, written, closing) as
    concat(
        opening, line_break(indent + 4),
        array_to_string(written, concat(', ', line_break(indent + 4))),
        line_break(indent), closing
    );

-- A slice of a thousand playlists up to the first of them.
create or replace macro slice_head(first_pid) as
    concat(
        '{', line_break(4), '"info": ',
        json_lines(4, '{', [
            json_field('generated_on', json_text('2017-12-03 08:41:42.057563')),
            json_field('slice', json_text(concat(first_pid, '-', first_pid + 999))),
            json_field('version', json_text('v1'))
        ], '}'),
        ', ', line_break(4), '"playlists": [', line_break(8)
    );
