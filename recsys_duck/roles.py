"""Roles: which file is which input, of which columns, and which files are left out.

The file with users and items has the events. The names are those whose ids the events have. Refuses files of
which none has users and items, and says what is missing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from recsys_duck.candidates import Asked, Candidates, candidates_of, file_hint, fits, id_like, refuse_unknown
from recsys_duck.errors import ProjectError
from recsys_duck.sniff import Look
from recsys_duck.traits import are_digits, plain_id, present

INPUTS: Mapping[str, tuple[str, ...]] = {
    "events": ("user_id", "item_id", "occurred_at", "weight", "basket_id", "position"),
    "items": ("item_id", "item_name"),
    "users": ("user_id", "user_name"),
    "tags": ("tag_type", "tag_id", "tag_name"),
    "item_tags": ("item_id", "tag_type", "tag_id"),
    "aliases": ("bad_id", "good_id"),
}
DOMAINS = {"user_id": "user_id", "item_id": "item_id", "bad_id": "item_id", "good_id": "item_id", "tag_id": "tag_id"}
MOST_IDS = 0.3  # of the events' ids that a column of another name must have, to be taken for them
MOST_WHOLE = 0.98  # of the ids that are whole numbers, for all to be taken for such: the others are rejected
MOST_KEYS = 0.9  # of its values that are distinct


@dataclass(frozen=True, slots=True)
class Role:
    """An input with its files, the column that each of ours is guessed to be, and the others that could be it.

    `unsure` names our columns that no name told of.
    """

    input: str
    looks: tuple[Look, ...]
    column: Mapping[str, str]
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unsure: frozenset[str] = frozenset()

    def values(self, ours: str) -> list[str]:
        """Give the sampled values of one of our columns, over all files, without missing ones."""
        own = self.column.get(ours)
        return present(value for look in self.looks if own for value in look.column(own).values)


@dataclass(frozen=True, slots=True)
class Cast:
    """All roles, the ids that are whole numbers however they are written, and the files that have no role, with why."""

    roles: tuple[Role, ...]
    bigint: frozenset[str]
    left_out: tuple[tuple[str, str], ...]

    def role(self, name: str) -> Role | None:
        """Find the role of an input, if it has any files."""
        return next((one for one in self.roles if one.input == name), None)


def cast_files(looks: Sequence[Look], asked: Sequence[Asked] = ()) -> Cast:
    """Say which file is which input.

    Raises:
        ProjectError: no file has both users and items, or an asked column is in none.
    """
    refuse_unknown(looks, asked, INPUTS)
    known = [(look, candidates_of(look, asked)) for look in looks]
    named = [_role("events", look, found) for look, found in known if _input_of(look, found) == "events"]
    events = _events(known, named)
    rest = [(look, found) for look, found in known if look not in events.looks]
    roles = [events]
    left_out = []
    for look, found in rest:
        role = _beside(look, found, events)
        if role is None:
            left_out.append((look.shown, _why(look, found)))
            continue
        at, same = next(((at, one) for at, one in enumerate(roles) if one.input == role.input), (-1, None))
        together = _together(same, role) if same else role
        if isinstance(together, str):
            left_out.append((look.shown, together))
        elif same:
            roles[at] = together
        else:
            roles.append(together)
    roles += _names_inside(events, known, roles)
    _complete_tags(roles, known, left_out)
    order = list(INPUTS)
    roles.sort(key=lambda one: order.index(one.input))
    return Cast(tuple(roles), _whole_ids(roles), tuple(left_out))


def _input_of(look: Look, found: Candidates) -> str:
    """Tell an input from the columns that its file could have; empty where they do not."""
    if {"bad_id", "good_id"} <= set(found):
        return "aliases"
    hint = file_hint(look.shown)
    if {"user_id", "item_id"} <= set(found):
        ours = f"{hint.removesuffix('s')}_id"
        # in a file of items each is there once, whatever `members` they have
        return hint if hint in ("users", "items") and _is_key(look, found[ours][0]) else "events"
    if "item_id" in found and "basket_id" not in found:
        return "items" if "item_name" in found else "item_tags" if "tag_id" in found else ""
    if "user_id" in found and "basket_id" not in found:
        return "users"
    return "tags" if "tag_id" in found else ""


def _role(name: str, look: Look, found: Candidates, unsure: frozenset[str] = frozenset()) -> Role:
    column: dict[str, str] = {}
    others: dict[str, tuple[str, ...]] = {}
    for ours in INPUTS[name]:
        free = [own for own in found.get(ours, []) if own not in column.values()]
        if free:
            column[ours] = free[0]
            others[ours] = tuple(free[1:])
    return Role(name, (look,), column, others, unsure)


def _events(known: Sequence[tuple[Look, Candidates]], named: Sequence[Role]) -> Role:
    """Choose the events: of several such files the one that says most, then the largest; like files go together."""
    found = sorted(named or _unnamed_events(known), key=lambda one: (-len(one.column), -one.looks[0].n_rows))
    if not found:
        raise _no_events(known)
    events = found[0]
    for other in found[1:]:
        both = _together(events, other)
        events = both if isinstance(both, Role) else events
    return events


def _unnamed_events(known: Sequence[tuple[Look, Candidates]]) -> list[Role]:
    """Find events whose users, or whose items, no name tells of: a session is a user, or a column that may be ids."""
    roles = []
    for look, found in known:
        if _input_of(look, found) or not {"user_id", "item_id"} & set(found):
            continue
        missing = "item_id" if "user_id" in found else "user_id"
        baskets = found.get("basket_id", []) if missing == "user_id" and not _has_users_apart(known, found) else []
        free = baskets or ([] if _has_users_apart(known, found) else id_like(look, found))
        if free and (len(found) > 1 or len(known) == 1):
            filled = {**found, missing: free}
            if baskets:
                filled["basket_id"] = baskets[1:]
            roles.append(_role("events", look, filled, frozenset({missing})))
    return roles


def _has_users_apart(known: Sequence[tuple[Look, Candidates]], found: Candidates) -> bool:
    """Tell whether another file says whose orders these are."""
    return _order_heads(known, found) is not None


def _order_heads(known: Sequence[tuple[Look, Candidates]], found: Candidates) -> tuple[Look, str] | None:
    for look, other in known:
        shared = [own for own in found.get("basket_id", []) if own in other.get("basket_id", [])]
        if shared and ("user_id" in other) != ("user_id" in found) and ("item_id" in other) != ("item_id" in found):
            return look, shared[0]
    return None


def _no_events(known: Sequence[tuple[Look, Candidates]]) -> ProjectError:
    for look, found in known:
        heads = _order_heads(known, found)
        if "item_id" in found and heads:
            key = heads[1] if heads[1].isidentifier() else f'\\"{heads[1]}\\"'
            command = f"copy (from '{look.shown}' join '{heads[0].shown}' using ({key})) to 'events.parquet'"
            return ProjectError(
                f"{look.shown} has items and {heads[0].shown} has users: both belong in one file",
                where=f"both have {heads[1]}",
                fix=f'join them: duckdb -c "{command}"; then recsys-duck init events.parquet',
            )
    look, found = max(known, key=lambda one: (len(one[1]), one[0].n_rows))
    lacking = [ours for ours in ("user_id", "item_id") if ours not in found]
    columns = ", ".join(one.name for one in look.columns[:30])
    return ProjectError(
        f"no column tells {' and '.join('the user' if one == 'user_id' else 'the item' for one in lacking)}",
        where=f"{look.shown}, its columns: {columns}",
        fix="give the file of events, too, or say which it is: "
        + " ".join(f"--column {one}=COLUMN" for one in lacking),
    )


def _beside(look: Look, found: Candidates, events: Role) -> Role | None:
    """Give a file its role beside the events; its ids are those that the events have."""
    name = _input_of(look, found)
    if name == "events":
        return _role("item_tags", look, found) if "tag_id" in found else None
    if name == "tags":
        own = found["tag_id"][0]
        return _role(name, look, {"tag_name": [one for one in _texts(look) if one != own], **found})
    is_unknown = not name and not set(found) & {*DOMAINS, "basket_id"}
    for input_name, ours in (("items", "item_id"), ("users", "user_id")):
        own = _shared(look, found.get(ours, []), events, ours) if is_unknown or name == input_name else ""
        if own:
            names = f"{input_name.removesuffix('s')}_name"
            others = [one for one in found.get(ours, []) if one != own]
            texts = [one for one in _texts(look) if one != own] if is_unknown else []
            role = _role(input_name, look, {names: texts, **found, ours: [own, *others]})
            return role if names in role.column else None
    return _role(name, look, found) if name not in ("", "items", "users") else None


def _shared(look: Look, named: Sequence[str], events: Role, ours: str) -> str:
    """Find the column whose values are most of the events' ids: of those that are named so, else of all."""
    ids = {plain_id(value) for value in events.values(ours)}
    shares = {}
    for one in look.columns:
        if fits(ours, one):
            shares[one.name] = len(ids & {plain_id(value) for value in one.values}) / max(1, len(ids))
    best = max(named, key=lambda own: shares.get(own, 0.0), default="")
    if not best:
        best = max(shares, key=lambda own: shares[own], default="")
        return best if shares.get(best, 0.0) > MOST_IDS and _is_key(look, best) else ""
    return best


def _is_key(look: Look, own: str) -> bool:
    values = look.column(own).values
    return len(set(values)) > MOST_KEYS * len(values)


def _texts(look: Look) -> Iterator[str]:
    """List the columns that mostly hold letters."""
    for one in look.columns:
        values = present(one.values)
        n_texts = sum(any(letter.isalpha() for letter in value) for value in values)
        if n_texts > len(values) / 2:
            yield one.name


def _together(one: Role, other: Role) -> Role | str:
    """Put the files of two roles into one input; a text says why they can't be."""
    if one.column != other.column:
        return f"its columns have other names than those of {one.looks[0].shown}"
    first, look = one.looks[0], other.looks[0]
    if first.format != look.format:
        return f"it is {look.format}, {first.shown} is {first.format}"
    options, free = dict(first.options), set(first.free)
    for key in {**first.options, **look.options}:
        if first.options.get(key) == look.options.get(key) or key in look.free:
            continue
        if key not in free:
            shown = [repr(each.options.get(key, "the default")) for each in (look, first)]
            return f"its {key} is {shown[0]}, that of {first.shown} is {shown[1]}"
        if key in look.options:
            options[key] = look.options[key]
        else:
            options.pop(key, None)
    together = replace(first, options=options, free=frozenset(free & set(look.free)))
    return replace(one, looks=(together, *one.looks[1:], *other.looks))


def _complete_tags(
    roles: list[Role], known: Sequence[tuple[Look, Candidates]], left_out: list[tuple[str, str]]
) -> None:
    """See to it that links to tags have tags: a link to a tag that no file names is rejected.

    Where only the links are there, the tags are read from their file, unless those are what users wrote.
    """
    links = next((one for one in roles if one.input == "item_tags"), None)
    if links is None or any(one.input == "tags" for one in roles):
        return
    found = next(found for look, found in known if look.shown == links.looks[0].shown)
    if "user_id" in found:
        roles.remove(links)
        left_out += [(look.shown, "no file has the names of its tags") for look in links.looks]
    else:
        roles.append(Role("tags", links.looks, {"tag_id": links.column["tag_id"]}))


def _names_inside(events: Role, known: Sequence[tuple[Look, Candidates]], roles: Sequence[Role]) -> Iterator[Role]:
    """Take the names of items from the events themselves, where they are there and no other file has them."""
    found = next(found for look, found in known if look.shown == events.looks[0].shown)
    if found.get("item_name") and not any(one.input == "items" for one in roles):
        column = {"item_id": events.column["item_id"], "item_name": found["item_name"][0]}
        yield Role("items", events.looks, column, {"item_name": tuple(found["item_name"][1:])})


def _whole_ids(roles: Sequence[Role]) -> frozenset[str]:
    """Tell which ids are whole numbers in all files, but not written alike: 00016 and 16, or 16.0."""
    found = set()
    for domain in dict.fromkeys(DOMAINS.values()):
        parts = [role.values(ours) for role in roles for ours in role.column if DOMAINS.get(ours) == domain]
        every = {value for part in parts for value in part}
        values = {value for value in every if are_digits([value])}
        if not values or len(values) < MOST_WHOLE * len(every):
            continue
        floats = any("." in value for value in values)
        alike = len(values) == len({plain_id(value) for value in values})
        if floats or not alike:
            found.add(domain)
    return frozenset(found)


def _why(look: Look, found: Candidates) -> str:
    name = _input_of(look, found)
    if name == "events":
        return "another file has the events"
    if name in ("items", "users"):
        return f"it has no names of {name}"
    return "it has no column that is used beside the events" if found else "no column of it is recognised"
