"""What recipe 3 says about tracks, catalogs and listening, up to the split and the most popular items.

Written from the recipe's text alone, in plain Python; everything is held in memory and walked row by row.
What a hash decides (`train_sample`) is not computed here: its properties are tested.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

Id = Any  # a bigint or a varchar, the same in all rows
EPOCH = datetime(1970, 1, 1)
LISTS = ("artists", "albums", "genres")  # step 1, in the order of its reasons
UNKNOWN = {"genre": "genres", "artist": "artists", "album": "albums"}  # step 2, likewise
NAME_TYPES = ("album", "artist", "genre", "track")


class Track(NamedTuple):
    """A row of `tracks`."""

    track_id: Id
    albums: Sequence[Id] | None
    artists: Sequence[Id] | None
    genres: Sequence[Id] | None


class Name(NamedTuple):
    """A row of `catalog_names`."""

    id: Id
    type: str | None
    name: str | None


class Listening(NamedTuple):
    """A row of `interactions`; the moment is in nanoseconds since 1970, UTC."""

    user_id: Id
    track_id: Id
    track_seq: int | None
    started_ns: int | None


class Group(NamedTuple):
    """Count, sum and maximum of the other columns; the sums of ids only where ids are numbers."""

    n_events: int
    id_sum: int | None
    id_max: int | None
    track_seq_sum: int | None
    track_seq_max: int | None


@dataclass(frozen=True)
class Settings:
    """The parameters that decide here, with the kind's defaults."""

    reject_unknown_tags: tuple[str, ...] = ("genre",)
    max_small_history: int = 3
    cutoff: datetime = datetime(2022, 12, 16)
    drop_unseen_test_items: bool = True
    popular_n: int = 100


def moment(listening: Listening) -> datetime:
    """When it was, nanoseconds cut to microseconds."""
    assert listening.started_ns is not None
    return EPOCH + timedelta(microseconds=listening.started_ns // 1000)


# --- steps 1 and 2: tracks and their catalogs --------------------------------------------------------------


def name_reasons(names: Iterable[Name]) -> Counter[str]:
    """How many rows of the catalog there are of each fate; an id is one thing within its type."""
    reasons: Counter[str] = Counter()
    seen: set[tuple[str, Id]] = set()
    for row in names:
        if row.id is None:
            reasons["missing_id"] += 1
        elif row.type not in NAME_TYPES:
            reasons["bad_type"] += 1
        elif (row.type, row.id) in seen:
            reasons["duplicate_id"] += 1
        else:
            reasons["kept"] += 1
            seen.add((row.type, row.id))
    return reasons


def names_by_type(names: Iterable[Name]) -> dict[str, dict[Id, str | None]]:
    """The names of each type's ids; of an id that is there twice the smallest text, a missing one last."""
    found: dict[str, dict[Id, str | None]] = {name_type: {} for name_type in NAME_TYPES}
    for row in names:
        if row.id is not None and row.type in found:
            of_type = found[row.type]
            before = of_type.get(row.id)
            if row.id not in of_type or before is None or (row.name is not None and row.name < before):
                of_type[row.id] = row.name if row.name is not None else before
    return found


def unknown_ids(track: Track, catalog: Mapping[str, Mapping[Id, Any]]) -> dict[str, set[Id]]:
    """By type, the ids that the track names and the catalog lacks."""
    return {
        tag_type: {one for one in getattr(track, column) or () if one is not None and one not in catalog[tag_type]}
        for tag_type, column in UNKNOWN.items()
    }


def track_reason(track: Track, catalog: Mapping[str, Mapping[Id, Any]], settings: Settings) -> str | None:
    """The first reason of steps 1 and 2 that rejects a track that has an id of its own."""
    for column in LISTS:
        if not getattr(track, column):
            return f"no_{column}"
    unknown = unknown_ids(track, catalog)
    for tag_type in UNKNOWN:
        if tag_type in settings.reject_unknown_tags and unknown[tag_type]:
            return f"unknown_{tag_type}"
    return None


def judged_tracks(
    tracks: Iterable[Track], catalog: Mapping[str, Mapping[Id, Any]], settings: Settings
) -> list[tuple[Track, str | None]]:
    """Each track with its reason; of the rows of one id, which are to be alike, one is judged further."""
    seen: set[Id] = set()
    judged: list[tuple[Track, str | None]] = []
    for track in tracks:
        if track.track_id is None:
            judged.append((track, "missing_track_id"))
        elif track.track_id in seen:
            judged.append((track, "duplicate_track_id"))
        else:
            judged.append((track, track_reason(track, catalog, settings)))
            seen.add(track.track_id)
    return judged


def links(tracks: Iterable[Track], catalog: Mapping[str, Mapping[Id, Any]]) -> set[tuple[Id, str, Id]]:
    """Item, tag type and tag of the given tracks, each once, as far as the catalog knows the tag."""
    return {
        (track.track_id, tag_type, one)
        for track in tracks
        for tag_type, column in UNKNOWN.items()
        for one in getattr(track, column) or ()
        if one in catalog[tag_type]
    }


# --- steps 3 to 6: events, groups, catalogs with counts ----------------------------------------------------


def listening_reason(listening: Listening, kept_tracks: Collection[Id]) -> str | None:
    """Why step 3 rejects an event, or why it can't be read at all."""
    if listening.user_id is None:
        return "missing_user_id"
    if listening.track_id is None:
        return "missing_track_id"
    if listening.started_ns is None:
        return "bad_time"
    if listening.track_id not in kept_tracks:
        return "track_not_in_catalog"
    return None


def grouped(listenings: Iterable[Listening], by: str, other: str) -> dict[Id, Group]:
    """Step 4: per user or per track the number of rows, sum and maximum of the other id and of track_seq."""
    rows: defaultdict[Id, list[Listening]] = defaultdict(list)
    for listening in listenings:
        rows[getattr(listening, by)].append(listening)
    groups = {}
    for key, of_key in rows.items():
        ids = [getattr(row, other) for row in of_key if isinstance(getattr(row, other), int)]
        places = [row.track_seq for row in of_key if row.track_seq is not None]
        groups[key] = Group(
            len(of_key),
            sum(ids) if ids else None,
            max(ids, default=None),
            sum(places) if places else None,
            max(places, default=None),
        )
    return groups


def small_users(listenings: Iterable[Listening], max_small_history: int) -> set[Id]:
    """Step 5: the users with so few events, or fewer, after step 3."""
    n_events = Counter(listening.user_id for listening in listenings)
    return {user_id for user_id, number in n_events.items() if number <= max_small_history}


def tag_counts(
    tag_links: Iterable[tuple[Id, str, Id]], catalog: Mapping[str, Mapping[Id, str | None]]
) -> dict[tuple[str, Id], tuple[str | None, int]]:
    """Step 6: name and number of kept tracks of every album, artist and genre of the catalog, zero included."""
    n_items = Counter((tag_type, tag_id) for _, tag_type, tag_id in tag_links)
    return {
        (tag_type, tag_id): (name, n_items[tag_type, tag_id])
        for tag_type in UNKNOWN
        for tag_id, name in catalog[tag_type].items()
    }


# --- the whole, to the split -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """All that steps 1 to 6 and 8 say about three files."""

    tracks: list[Track]
    track_ledger: Counter[str]
    name_ledger: Counter[str]
    catalog: dict[str, dict[Id, str | None]]
    unknown: set[tuple[Id, str, Id]]
    links: set[tuple[Id, str, Id]]
    listenings: list[Listening]
    listening_ledger: Counter[str]
    events: list[Listening]
    n_small: int

    def catalog_tracks(self) -> dict[Id, tuple[str | None, int]]:
        """Step 6: name and events, of before step 5 as its popularity is, of every track name of the catalog."""
        n_events = Counter(listening.track_id for listening in self.listenings)
        return {track_id: (name, n_events[track_id]) for track_id, name in self.catalog["track"].items()}

    def sides(self, cutoff: datetime) -> tuple[list[Listening], list[Listening]]:
        """Step 8: the events before the cutoff, and those from then on."""
        train = [event for event in self.events if moment(event) < cutoff]
        return train, [event for event in self.events if moment(event) >= cutoff]


def answer(
    tracks: Iterable[Track], names: Sequence[Name], listenings: Sequence[Listening], settings: Settings
) -> Answer:
    """Walk the recipe over three files."""
    catalog = names_by_type(names)
    judged = judged_tracks(tracks, catalog, settings)
    kept = [track for track, reason in judged if reason is None]
    kept_ids = {track.track_id for track in kept}
    reasons = [listening_reason(listening, kept_ids) for listening in listenings]
    heard = [listening for listening, reason in zip(listenings, reasons, strict=True) if reason is None]
    small = small_users(heard, settings.max_small_history)
    events = [listening for listening in heard if listening.user_id not in small]
    return Answer(
        tracks=kept,
        track_ledger=Counter(reason or "kept" for _, reason in judged),
        name_ledger=name_reasons(names),
        catalog=catalog,
        unknown={
            (track.track_id, tag_type, one)
            for track in kept
            for tag_type, ids in unknown_ids(track, catalog).items()
            for one in ids
        },
        links=links(kept, catalog),
        listenings=heard,
        listening_ledger=Counter(reason or "kept" for reason in reasons),
        events=events,
        n_small=len(heard) - len(events),
    )


# --- steps 8, 10 and 11: what train and test hold ----------------------------------------------------------


def judged_pairs(
    train: Iterable[Listening], test: Sequence[Listening], settings: Settings
) -> tuple[set[tuple[Id, Id]], dict[str, int]]:
    """The pairs that judge, and the test rows by fate: the item's reason stands before the user's."""
    learned = list(train)
    items, users = {event.track_id for event in learned}, {event.user_id for event in learned}
    pairs: set[tuple[Id, Id]] = set()
    ledger = Counter({"in": len(test)})
    for event in test:
        pair = (event.user_id, event.track_id)
        if settings.drop_unseen_test_items and event.track_id not in items:
            ledger["item_not_in_train"] += 1
        elif event.user_id not in users:
            ledger["user_not_in_train"] += 1
        elif pair in pairs:
            ledger["repeat_of_pair"] += 1
        else:
            ledger["kept"] += 1
            pairs.add(pair)
    return pairs, dict(ledger)


def repeated_pairs(train: Iterable[Listening], test: Iterable[Listening]) -> int:
    """Step 8: how many pairs of the test the train has too."""
    learned = {(event.user_id, event.track_id) for event in train}
    return len(learned & {(event.user_id, event.track_id) for event in test})


def top_popular(train: Iterable[Listening], popular_n: int) -> list[tuple[Id, int, int]]:
    """Step 11: item, train events and rank from 1, the smaller item first among equals."""
    n_events = Counter(event.track_id for event in train)
    best_first = sorted(n_events, key=lambda item_id: (-n_events[item_id], item_id))[:popular_n]
    return [(item_id, n_events[item_id], rank) for rank, item_id in enumerate(best_first, 1)]
