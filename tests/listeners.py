"""The three files of kind yandex_music, made up in their original layout: given rows, or random ones with defects."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from oracles.tracks import Listening, Name, Track

INPUTS = ("tracks", "catalog_names", "interactions")
DAY = 86_400 * 10**9
CUTOFF = 1_671_148_800 * 10**9  # 2022-12-16 in nanoseconds


def write_files(
    folder: Path,
    tracks: Sequence[Track],
    names: Sequence[Name],
    heard: Sequence[Listening],
    *,
    track_ids: Any = None,
    user_ids: Any = None,
) -> Path:
    """Write the three files in their original layout; ids are numbers unless types are given."""
    track_id, user_id = track_ids or pa.int64(), user_ids or pa.int32()
    heard_id = track_ids or pa.int32()
    list_of = pa.list_(track_id)
    schemas = {
        "tracks": pa.schema([("track_id", track_id), *((name, list_of) for name in ("albums", "artists", "genres"))]),
        "catalog_names": pa.schema([("id", track_id), ("type", pa.string()), ("name", pa.string())]),
        "interactions": pa.schema(
            [
                ("user_id", user_id),
                ("track_id", heard_id),
                ("track_seq", pa.int16()),
                ("started_at", pa.timestamp("ns")),
                ("__index_level_0__", pa.int64()),
            ]
        ),
    }
    contents: dict[str, Sequence[Sequence[Any]]] = {
        "tracks": tracks,
        "catalog_names": names,
        "interactions": [(*row, at) for at, row in enumerate(heard)],
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas.items():
        table = contents[name]
        columns = [pa.array([row[at] for row in table], type=field.type) for at, field in enumerate(schema)]
        pq.write_table(pa.table(columns, schema=schema), folder / f"{name}.parquet")
    return folder


def random_files(chance: random.Random) -> tuple[list[Track], list[Name], list[Listening]]:
    """A few tracks, names and events with every defect that the recipe names, in any order."""
    known = {name_type: chance.sample(range(1, 40), 12) for name_type in ("album", "artist", "genre")}
    names = [Name(one, kind, chance.choice([None, f"{kind} {one % 7}"])) for kind, ids in known.items() for one in ids]
    track_ids = chance.sample(range(100, 200), 30)
    names += [Name(one, "track", f"track {one}") for one in chance.sample(track_ids, 25)]
    names += [Name(one, "track", "never heard") for one in (900, 901)]
    names += [chance.choice(names)._replace(name=chance.choice([None, "again", "zz"])) for _ in range(4)]
    names += [Name(None, "track", "nobody"), Name(5, "label", "a label"), Name(6, None, None)]

    def some(name_type: str) -> list[int] | None:
        if chance.random() < 0.05:
            return chance.choice([None, []])
        chosen = chance.sample(known[name_type], chance.choice([1, 1, 2, 3]))
        if chance.random() < 0.25:
            chosen.append(chance.choice([77, chosen[0]]))  # unknown, or twice
        return chosen

    tracks = [Track(one, some("album"), some("artist"), some("genre")) for one in track_ids]
    tracks += [*chance.sample(tracks, 2), tracks[0]._replace(track_id=None)]
    heard = []
    for _ in range(chance.choice([40, 150, 300])):
        track_id = track_ids[min(chance.randrange(30), chance.randrange(30))]
        instant = CUTOFF + chance.randint(-20, 10) * DAY + chance.choice([-1, 0, 1, 999, 1500])
        heard.append(
            Listening(min(chance.randrange(25), chance.randrange(25)), track_id, len(heard) % 9 or None, instant)
        )
    heard += chance.sample(heard, 5)
    heard += [row._replace(user_id=None) for row in chance.sample(heard, 2)]
    heard += [row._replace(track_id=chance.choice([None, 999])) for row in chance.sample(heard, 4)]
    heard += [row._replace(started_ns=None) for row in chance.sample(heard, 2)]
    for table in (tracks, names, heard):
        chance.shuffle(table)  # type: ignore[arg-type]
    return tracks, names, heard


def random_parameters(chance: random.Random) -> dict[str, object]:
    """Parameters that bite on a few dozen rows; a model so small that it takes no time."""
    types = ["genre", "artist", "album"]
    return {
        "reject_unknown_tags": chance.sample(types, chance.randint(0, 3)),
        "max_small_history": chance.choice([0, 3, 4]),
        "popular_n": chance.choice([3, 100]),
        "drop_unseen_test_items": chance.choice([True, False]),
        "factors": chance.choice([1, 4]),
        "iterations": 3,
        "top_n": chance.choice([3, 30]),
        "ks": [1],
        "include_seen": chance.choice([True, False]),
        "similar_k": chance.choice([1, 10]),
        "neighbour_metric": chance.choice(["cosine", "euclidean"]),
        "seed": chance.randint(0, 99),
    }
