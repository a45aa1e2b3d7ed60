"""What recipe 4 (steps 1 to 4) and recipe 5 (steps 1 and 2) say about playlist slices, in plain Python.

Written from the recipes' text alone. Everything is held in memory and walked row by row; nothing is clever.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ENTITIES = ("track", "artist", "album")
TAG_TYPES = {"track": ("artist", "album"), "album": ("artist",), "artist": ()}

Names = dict[str, str | None]
Popular = tuple[str, int, int]


@dataclass(frozen=True)
class Settings:
    """The parameters of the recipes that decide here; 0 switches a filter off."""

    item_entity: str
    top_entities: int = 0
    min_playlist_tracks: int = 0
    min_mentions: int = 0


@dataclass(frozen=True)
class Ledger:
    """Rows in, rows kept, and rows rejected by reason (reasons without rows are left out)."""

    n_in: int
    n_kept: int
    rejected: dict[str, int]


@dataclass(frozen=True)
class Answer:
    """All that the recipes say about some slices under some settings."""

    record_ledger: Ledger
    user_ledger: Ledger
    row_ledger: Ledger
    events: Counter[tuple[int, str, int, str]]
    interactions: Counter[tuple[int, str]]
    users: dict[int, str | None]
    items: Names
    item_counts: dict[str, tuple[int, int]]
    item_tags: set[tuple[str, str, str]]
    tags: dict[tuple[str, str], str | None]
    popular_by_users: list[Popular]
    popular_by_events: list[Popular]

    def popularity(self, popular_by: str) -> list[Popular]:
        """The ranking that `popular_by` asks for."""
        return {"users": self.popular_by_users, "events": self.popular_by_events}[popular_by]


@dataclass(frozen=True)
class Record:
    """One entry of a slice's `playlists`, and why it is rejected as a record (None: it passes step 1)."""

    source_file: str
    content: Any
    pid: int | None
    tracks: list[Any]
    reject_reason: str | None


@dataclass(frozen=True)
class Row:
    """One entry of a record's `tracks`, with its place in that list."""

    record: Record
    content: dict[str, Any]
    place: int


def answer(paths: Iterable[Path], settings: Settings) -> Answer:
    """Work out everything for these slices."""
    records = read_records(paths)
    rows = [row for record in records for row in rows_of(record)]
    rows_passing_step_1 = [row for row in rows if row.record.reject_reason is None]

    mentions = Counter(
        item_id
        for row in rows_passing_step_1
        if (item_id := id_from_uri(row.content, settings.item_entity)) is not None
    )
    top = top_items(mentions, settings.top_entities)
    mentioned = {item_id for item_id, number in mentions.items() if number > settings.min_mentions}
    items_kept = top & mentioned

    record_reasons = [record.reject_reason for record in records]
    playlists = [record for record in records if record.reject_reason is None]
    user_reasons = ["playlist_too_short" if is_too_short(playlist, settings) else None for playlist in playlists]
    row_reasons = [row_reason(row, settings, top, mentioned) for row in rows]

    events: Counter[tuple[int, str, int, str]] = Counter()
    for row, reason in zip(rows, row_reasons, strict=True):
        if reason is None:
            item_id = id_from_uri(row.content, settings.item_entity)
            assert row.record.pid is not None
            assert item_id is not None
            events[row.record.pid, item_id, position_of(row), row.record.source_file] += 1
    interactions: Counter[tuple[int, str]] = Counter()
    for (user_id, item_id, _, _), number in events.items():
        interactions[user_id, item_id] += number
    item_counts = count_items(items_kept, interactions)

    item_tags = {
        (item_id, tag_type, tag_id)
        for row in rows_passing_step_1
        for tag_type in TAG_TYPES[settings.item_entity]
        if (item_id := id_from_uri(row.content, settings.item_entity)) in items_kept and item_id is not None
        if (tag_id := id_from_uri(row.content, tag_type)) is not None
    }
    names = {entity: names_of(rows_passing_step_1, entity) for entity in ENTITIES}
    return Answer(
        record_ledger=ledger_of(record_reasons),
        user_ledger=ledger_of(user_reasons),
        row_ledger=ledger_of(row_reasons),
        events=events,
        interactions=interactions,
        users={
            playlist.pid: playlist.content.get("name")
            for playlist, reason in zip(playlists, user_reasons, strict=True)
            if reason is None and playlist.pid is not None
        },
        items={item_id: names[settings.item_entity][item_id] for item_id in items_kept},
        item_counts=item_counts,
        item_tags=item_tags,
        tags={(tag_type, tag_id): names[tag_type][tag_id] for _, tag_type, tag_id in item_tags},
        popular_by_users=ranked(item_counts, by=lambda n_events, n_users: n_users),
        popular_by_events=ranked(item_counts, by=lambda n_events, n_users: n_events),
    )


def read_records(paths: Iterable[Path]) -> list[Record]:
    """All records in the order of file names, then place, each with its reason in the order of step 1."""
    records = []
    pids_seen: set[int] = set()
    for path in sorted(paths, key=lambda path: path.name):
        document = json.loads(path.read_text(encoding="utf-8"))
        for content in document["playlists"]:
            pid = integer_pid(content)
            tracks = track_list(content)
            if pid is None:
                reason = "bad_playlist"
            elif not tracks:
                reason = "no_tracks"
            elif pid in pids_seen:
                reason = "duplicate_pid"
            else:
                reason = None
            if pid is not None:
                pids_seen.add(pid)
            records.append(Record(path.name, content, pid, tracks, reason))
    return records


def integer_pid(content: Any) -> int | None:
    """The pid if the record is an object with a JSON integer, or a text of digits, as its pid."""
    if not isinstance(content, dict):
        return None
    pid = content.get("pid")
    if isinstance(pid, bool):
        return None
    if isinstance(pid, int):
        return pid
    if isinstance(pid, str) and pid.isascii() and pid.isdigit():
        return int(pid)
    return None


def track_list(content: Any) -> list[Any]:
    """The entries of the record's `tracks`; none where there is no such list."""
    tracks = content.get("tracks") if isinstance(content, dict) else None
    return tracks if isinstance(tracks, list) else []


def rows_of(record: Record) -> Iterator[Row]:
    """The track rows of a record; an entry that is no object is a row without any field."""
    for place, content in enumerate(record.tracks):
        yield Row(record, content if isinstance(content, dict) else {}, place)


def id_from_uri(content: Mapping[str, Any], entity: str) -> str | None:
    """The URI of this entity without its prefix; None for a URI of another form."""
    uri = content.get(f"{entity}_uri")
    prefix = f"spotify:{entity}:"
    if isinstance(uri, str) and uri.startswith(prefix) and len(uri) > len(prefix):
        return uri[len(prefix) :]
    return None


def position_of(row: Row) -> int:
    """The row's `pos`, or its place in the list from 0."""
    pos = row.content.get("pos")
    return row.place if pos is None else int(pos)


def is_too_short(playlist: Record, settings: Settings) -> bool:
    """Whether step 3 rejects the playlist; a missing `num_tracks` is the length of the list."""
    if settings.min_playlist_tracks == 0:
        return False
    num_tracks = playlist.content.get("num_tracks")
    if num_tracks is None:
        num_tracks = len(playlist.tracks)
    return bool(num_tracks <= settings.min_playlist_tracks)


def top_items(mentions: Mapping[str, int], top_entities: int) -> set[str]:
    """The most mentioned items, the smaller id first among equals; all of them when switched off."""
    best_first = sorted(mentions, key=lambda item_id: (-mentions[item_id], item_id))
    return set(best_first if top_entities == 0 else best_first[:top_entities])


def row_reason(row: Row, settings: Settings, top: set[str], mentioned: set[str]) -> str | None:
    """The first reason that rejects a track row, in the order of the steps and of the words in a step."""
    item_id = id_from_uri(row.content, settings.item_entity)
    if item_id is None:
        return "bad_uri"
    if row.record.reject_reason is not None:
        return row.record.reject_reason
    if item_id not in top:
        return "entity_below_top"
    if is_too_short(row.record, settings):
        return "playlist_too_short"
    if item_id not in mentioned:
        return "entity_below_mentions"
    return None


def ledger_of(reasons: Sequence[str | None]) -> Ledger:
    """Count what goes in, what is kept, and what is rejected for which reason."""
    rejected = Counter(reason for reason in reasons if reason is not None)
    return Ledger(n_in=len(reasons), n_kept=reasons.count(None), rejected=dict(rejected))


def count_items(item_ids: Iterable[str], interactions: Mapping[tuple[int, str], int]) -> dict[str, tuple[int, int]]:
    """Events and distinct users of every item, zeros included."""
    n_events = dict.fromkeys(item_ids, 0)
    n_users = dict.fromkeys(n_events, 0)
    for (_, item_id), number in interactions.items():
        n_events[item_id] += number
        n_users[item_id] += 1
    return {item_id: (n_events[item_id], n_users[item_id]) for item_id in n_events}


def names_of(rows: Iterable[Row], entity: str) -> Names:
    """Per id the most frequent spelling, the smaller text among equals; None only where there is no other."""
    spellings: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        entity_id = id_from_uri(row.content, entity)
        if entity_id is not None:
            counts = spellings[entity_id]
            name = row.content.get(f"{entity}_name")
            if name is not None:
                counts[name] += 1
    return {
        entity_id: min(counts, key=lambda name: (-counts[name], name), default=None)
        for entity_id, counts in spellings.items()
    }


def ranked(item_counts: Mapping[str, tuple[int, int]], by: Callable[[int, int], int]) -> list[Popular]:
    """The items that have events, most popular first, the smaller id first among equals."""
    with_events = [(item_id, n_events, n_users) for item_id, (n_events, n_users) in item_counts.items() if n_events]
    return sorted(with_events, key=lambda item: (-by(item[1], item[2]), item[0]))


def lists_of_popular(
    popular: Sequence[Popular], interactions: Iterable[tuple[int, str]], top_n: int
) -> dict[int, list[str]]:
    """For each user with an event, the most popular items that the user does not have, best first."""
    items_of_user: defaultdict[int, set[str]] = defaultdict(set)
    for user_id, item_id in interactions:
        items_of_user[user_id].add(item_id)
    lists = {}
    for user_id, owned in items_of_user.items():
        chosen: list[str] = []
        for item_id, _, _ in popular:
            if len(chosen) == top_n:
                break
            if item_id not in owned:
                chosen.append(item_id)
        lists[user_id] = chosen
    return lists
