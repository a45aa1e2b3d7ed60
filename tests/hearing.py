"""Builds of kind yandex_music beside what the oracle makes of the same three files: one function for each table."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from building import rows, run
from comparing import assert_close, assert_same
from exporting import export_all, parquet_rows
from listeners import INPUTS
from oracles.factors import neighbours, personal_lists
from oracles.tracks import (
    Answer,
    Group,
    Listening,
    Name,
    Settings,
    Track,
    answer,
    grouped,
    judged_pairs,
    moment,
    repeated_pairs,
    tag_counts,
    top_popular,
)

MEMORY = 2_000_000_000


def paths_of(folder: Path) -> list[tuple[str, str]]:
    """Each input's file, as the command line gives it."""
    return [(name, str(folder / f"{name}.parquet")) for name in INPUTS]


def read_files(folder: Path) -> tuple[list[Track], list[Name], list[Listening]]:
    """All rows of the three files, moments in nanoseconds."""
    tracks, names, heard = (pq.read_table(folder / f"{name}.parquet") for name in INPUTS)
    at = heard.column_names.index("started_at")
    heard = heard.set_column(at, "started_at", heard["started_at"].cast(pa.int64()))
    return (
        [Track(*row) for row in _tuples(tracks, Track._fields)],
        [Name(*row) for row in _tuples(names, Name._fields)],
        [Listening(*row) for row in _tuples(heard, ("user_id", "track_id", "track_seq", "started_at"))],
    )


def _tuples(table: Any, columns: Sequence[str]) -> Iterable[tuple[Any, ...]]:
    return zip(*(table[name].to_pylist() for name in columns), strict=True)


class Case:
    """One build: its published rows, and what the oracle makes of its files."""

    def __init__(
        self,
        root: Path,
        folder: Path,
        parameters: Mapping[str, object],
        note: str,
        select: tuple[str, ...] = (),
    ) -> None:
        self.root, self.note, self.parameters = root, note, dict(parameters)
        known = {key: value for key, value in parameters.items() if key in Settings.__dataclass_fields__}
        for key, value in known.items():
            if isinstance(value, list):
                known[key] = tuple(value)
            elif key == "cutoff":
                known[key] = datetime.fromisoformat(str(value))
        self.settings = Settings(**known)  # type: ignore[arg-type]
        self.every_item = self.every_user = 1  # of so many, the neighbours or the list of one are compared
        self.answer: Answer = answer(*read_files(folder), self.settings)
        root.mkdir(exist_ok=True)
        given = {"kind": "yandex_music", "files": paths_of(folder), "parameters": list(parameters.items())}
        run(root, given, memory_limit=MEMORY, select=select)

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        """All rows of a query on the published generation."""
        return rows(self.root, question)

    def ledger(self, stage: str) -> dict[str, int]:
        """Rows of a gate by reason; reasons without rows are left out."""
        found = self.rows(f"select reason, n_rows from meta.row_ledger where stage = '{stage}'")
        assert len(found) == len(dict(found)), f"{self.note}: a reason of {stage} has two ledger rows"
        return {reason: n_rows for reason, n_rows in found if n_rows}

    def vectors(self, owner: str) -> dict[Any, list[float]]:
        """The published factors of als."""
        return dict(self.rows(f"select {owner}_id, factors from models.{owner}_factors where model_name = 'als'"))

    @cached_property
    def sides(self) -> tuple[list[Listening], list[Listening]]:
        """Train, as far as no sample was taken, and test."""
        return self.answer.sides(self.settings.cutoff)

    @cached_property
    def exports(self) -> Path:
        """The folder of all exported files."""
        return export_all(self.root)

    @cached_property
    def neighbours(self) -> dict[Any, list[tuple[Any, float]]]:
        """The neighbours, by the oracle, of one in so many items."""
        items = self.vectors("item")
        metric, k = str(self.parameters.get("neighbour_metric", "cosine")), int(self.parameters.get("similar_k", 10))  # type: ignore[call-overload]
        return neighbours(items, metric, k, set(sorted(items)[:: self.every_item]))


def with_in(reasons: Counter[str]) -> dict[str, int]:
    """A ledger: rows in, kept and rejected."""
    return {"in": reasons.total(), **{reason: number for reason, number in reasons.items() if number}}


# --- the tables, one check each ----------------------------------------------------------------------------


def check_ledgers(case: Case) -> None:
    """Every row of the three files is kept or has the first reason that applies."""
    wanted = case.answer
    for stage, reasons in (
        ("staging.tracks", wanted.track_ledger),
        ("staging.catalog_names", wanted.name_ledger),
        ("staging.events", wanted.listening_ledger),
    ):
        assert case.ledger(stage) == with_in(reasons), f"{case.note}: ledger of {stage}"
    reasons = Counter({"kept": len(wanted.events), "user_small_history": wanted.n_small})
    assert case.ledger("core.events") == with_in(reasons), f"{case.note}: ledger of core.events"


def check_unknown_tags(case: Case) -> None:
    """Ids that the catalog lacks and that reject nothing are told, those of kept tracks."""
    found = case.rows("select track_id, tag_type, tag_id from staging.unknown_tags")
    assert_same(case.note, "unknown tags", found, case.answer.unknown)


def check_events(case: Case) -> None:
    """The kept events, row by row, with their place and moment."""
    found = Counter(case.rows("select user_id, item_id, position, occurred_at, weight, basket_id from core.events"))
    wanted = Counter((row.user_id, row.track_id, row.track_seq, moment(row), 1, None) for row in case.answer.events)
    assert found == wanted, f"{case.note}: events: {(wanted - found).total()} missing, {(found - wanted).total()} more"


def check_groups(case: Case) -> None:
    """Count, sums and maxima of each user and of each track, small histories included."""
    for table, key, by, other, prefix in (
        ("users_grouped", "user_id", "user_id", "track_id", "track_id"),
        ("tracks_grouped", "item_id", "track_id", "user_id", "user_id"),
    ):
        columns = f"n_events, {prefix}_sum, {prefix}_max, track_seq_sum, track_seq_max"
        found = case.rows(f"select {key}, {columns} from core.{table}")
        wanted = grouped(case.answer.listenings, by, other)
        assert_same(case.note, table, [(row[0], Group(*row[1:])) for row in found], wanted.items())


def check_catalogs(case: Case) -> None:
    """All names of the catalog with their counts, zero included."""
    answered = case.answer
    found = case.rows("select item_id, item_name, n_events from core.catalog_tracks")
    wanted = [(key, *value) for key, value in answered.catalog_tracks().items()]
    assert_same(case.note, "catalog of tracks", found, wanted)
    tags = case.rows("select tag_type, tag_id, tag_name, n_items from core.tag_counts")
    counted = tag_counts(answered.links, answered.catalog)
    assert_same(case.note, "catalogs of tags", tags, [(*key, *value) for key, value in counted.items()])
    links = case.rows("select item_id, tag_type, tag_id from core.item_tags")
    assert_same(case.note, "links", links, answered.links)


def check_indices(case: Case) -> None:
    """All kept tracks and all users with events have an index, in the order of their ids."""
    names = case.answer.catalog["track"]
    items = sorted(track.track_id for track in case.answer.tracks)
    found = case.rows("select item_id, item_name, item_idx from core.items")
    assert_same(case.note, "items", found, [(one, names.get(one), at) for at, one in enumerate(items)])
    users = sorted({row.user_id for row in case.answer.listenings})
    found = case.rows("select user_id, user_idx from core.users")
    assert_same(case.note, "users", found, [(one, at) for at, one in enumerate(users)])


def check_histograms(case: Case) -> None:
    """Tracks by their number of events, each number to 100 and the tail; events by hundredth of the time."""
    n_events = Counter(row.track_id for row in case.answer.events)
    items = [n_events[track.track_id] for track in case.answer.tracks]
    ends = [*((number, number) for number in range(101)), (101, 19_999), (20_000, None)]
    bins = [
        (first, last, [one for one in items if one >= first and (last is None or one <= last)]) for first, last in ends
    ]
    wanted = [(first, last, len(inside), sum(inside)) for first, last, inside in bins]
    question = "select first_n_events, last_n_events, n_items, n_events from core.item_histogram"
    assert_same(case.note, "histogram of items", case.rows(question), wanted)
    spans = case.rows("select bin, bin_start, bin_end, n_events from core.time_histogram order by bin")
    moments = [moment(row) for row in case.answer.events]
    assert [row[0] for row in spans] == list(range(1, 101 if moments else 1)), f"{case.note}: bins of time"
    for (_, _, end, _), (_, start, _, _) in pairwise(spans):
        assert end == start, f"{case.note}: a gap between bins of time"
    lengths = {(end - start).total_seconds() for _, start, end, _ in spans}
    assert not lengths or max(lengths) - min(lengths) <= 1, f"{case.note}: bins of time differ in length"
    counted = [(at, start, end, sum(start <= one < end for one in moments)) for at, start, end, _ in spans]
    assert_same(case.note, "histogram of time", spans, counted)
    assert sum(row[3] for row in spans) == len(moments), f"{case.note}: events out of all bins of time"


def check_split(case: Case) -> None:
    """Train is before the cutoff, test from then on; what judges; pairs that both have."""
    columns = "user_id, item_id, position, occurred_at"
    for table, events in zip(("train", "test"), case.sides, strict=True):
        found = Counter(case.rows(f"select {columns} from split.{table}"))
        assert found == Counter((row.user_id, row.track_id, row.track_seq, moment(row)) for row in events), (
            f"{case.note}: split.{table}"
        )
    (figures,) = case.rows("select n_repeated_pairs, n_train_events, n_test_events from split.manifest")
    train, test = case.sides
    assert figures == (repeated_pairs(train, test), len(train), len(test)), f"{case.note}: figures of the split"
    pairs, ledger = judged_pairs(train, test, case.settings)
    assert_same(case.note, "judged pairs", case.rows("select user_id, item_id from split.judged_pairs"), pairs)
    found_ledger = case.ledger("split.judged_pairs")
    assert found_ledger == {reason: number for reason, number in ledger.items() if number}, (
        f"{case.note}: ledger of judged pairs"
    )


def check_popular(case: Case) -> None:
    """The most popular items of train by events, ties by smaller item."""
    found = case.rows("select item_id, n_events, rank from recs.popular")
    assert_same(case.note, "top popular", found, top_popular(case.sides[0], case.settings.popular_n))


def check_matrix(case: Case) -> None:
    """1 for each pair of train."""
    question = """
        select user_id, item_id, weight from training.matrix
        inner join core.users using (user_idx) inner join core.items using (item_idx)
    """
    wanted = {(row.user_id, row.track_id, 1.0) for row in case.sides[0]}
    assert_same(case.note, "matrix", case.rows(question), wanted)


def check_personal(case: Case) -> None:
    """Every user with a train row has the best products of the factors, and nobody else has a list."""
    seen: dict[Any, set[Any]] = {}
    for event in case.sides[0]:
        seen.setdefault(event.user_id, set()).add(event.track_id)
    users, items = case.vectors("user"), case.vectors("item")
    assert_same(case.note, "users with factors", list(users), seen)
    assert_same(case.note, "items with factors", list(items), {row.track_id for row in case.sides[0]})
    include_seen, top_n = bool(case.parameters.get("include_seen", False)), int(str(case.parameters.get("top_n", 30)))
    found = case.rows("select user_id, rank, item_id, score from recs.personal where model_name = 'als'")
    listed = {user_id for user_id, met in seen.items() if include_seen or len(met) < len(items)}
    assert_same(case.note, "users with a list", list({row[0] for row in found}), listed)
    compared = {user_id: seen[user_id] for user_id in sorted(seen)[:: case.every_user]}
    wanted = numbered(personal_lists(users, items, compared, top_n=top_n, include_seen=include_seen))
    mine = [row for row in found if row[0] in compared]
    assert_close(case.note, "lists of als", mine, wanted, tolerance=1e-6)


def check_similar(case: Case) -> None:
    """The nearest others of every train item, and the lists that people read are the same."""
    wanted = numbered(case.neighbours)
    question = "select item_id, rank, similar_item_id, score from {}"
    found = case.rows(question.format("models.item_neighbours where model_name = 'als'"))
    n_items = len({row.track_id for row in case.sides[0]})
    assert len({row[0] for row in found}) == (n_items if n_items > 1 else 0), f"{case.note}: items with neighbours"
    mine = [row for row in found if row[0] in case.neighbours]
    assert_close(case.note, "neighbours by factors", mine, wanted, tolerance=1e-9)
    read = case.rows(question.format("recs.similar_items where source = 'factors'"))
    assert_same(case.note, "similar items", read, found)
    assert case.rows("select count(*) from recs.similar_items where source <> 'factors'") == [(0,)]


def check_exported_catalogs(case: Case) -> None:
    """The files of kept tracks, of kept events and of all names with their counts, under the notebook's names."""
    folder, answered = case.exports, case.answer
    lists = ("albums", "artists", "genres")
    kept = {track.track_id: [sorted(set(getattr(track, name))) for name in lists] for track in answered.tracks}
    found = parquet_rows(folder / "items.parquet", "item_id", *lists)
    assert len(found) == len(kept), f"{case.note}: items.parquet"
    assert {row[0]: [sorted(set(one)) for one in row[1:]] for row in found} == kept, f"{case.note}: items.parquet"
    events = Counter((row.user_id, row.track_id, row.track_seq, moment(row)) for row in answered.events)
    heard = parquet_rows(folder / "events.parquet", "user_id", "item_id", "track_seq", "started_at")
    assert Counter((*row[:3], row[3].replace(tzinfo=None)) for row in heard) == events, f"{case.note}: events.parquet"
    catalogs: dict[str, list[Any]] = {"tracks": [(key, *value) for key, value in answered.catalog_tracks().items()]}
    for (tag_type, tag_id), value in tag_counts(answered.links, answered.catalog).items():
        catalogs.setdefault(f"{tag_type}s", []).append((tag_id, *value))
    for name in ("tracks", *lists):
        table = parquet_rows(folder / f"catalog_{name}.parquet", "id", "name", "count")
        assert_same(case.note, f"catalog_{name}.parquet", table, catalogs.get(name, []))


def check_exported_lists(case: Case) -> None:
    """The files of popular, personal and similar items; ids are the caller's own, similar items have names, too."""
    folder, names = case.exports, case.answer.catalog["track"]
    popular = parquet_rows(folder / "top_popular.parquet", "item_id", "count", "rank")
    assert popular == top_popular(case.sides[0], case.settings.popular_n), f"{case.note}: top_popular.parquet"
    lists = parquet_rows(folder / "personal_als.parquet", "user_id", "item_id", "score")
    question = "select user_id, item_id, score from recs.personal where model_name = 'als' order by user_id, rank"
    assert lists == case.rows(question), f"{case.note}: personal_als.parquet"
    similar = parquet_rows(folder / "similar_items.parquet", "item_id", "sim_item_id", "score")
    question = "select item_id, similar_item_id, score from recs.similar_items order by item_id, rank"
    assert similar == case.rows(question), f"{case.note}: similar_items.parquet"
    decoded = parquet_rows(folder / "similar_items.parquet", "item_name", "sim_item_name")
    assert decoded == [(names.get(one), names.get(other)) for one, other, _ in similar], f"{case.note}: names"


def numbered(lists: Mapping[Any, Sequence[tuple[Any, float]]]) -> dict[tuple[Any, int, Any], float]:
    """Lists as rows: whose, rank from 1, what; and the score."""
    return {(key, rank, one): score for key, chosen in lists.items() for rank, (one, score) in enumerate(chosen, 1)}


TO_SPLIT: list[Callable[[Case], None]] = [
    check_ledgers,
    check_unknown_tags,
    check_events,
    check_groups,
    check_catalogs,
    check_histograms,
    check_indices,
    check_split,
]
ALL: list[Callable[[Case], None]] = [*TO_SPLIT, check_popular, check_matrix, check_personal, check_similar]
ALL += [check_exported_catalogs, check_exported_lists]
