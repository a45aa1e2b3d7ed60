"""Rollback: an older generation takes the place of the one that an environment shows."""

from recsys_duck.errors import ProjectError
from recsys_duck.lock import build_lock
from recsys_duck.store import Store
from recsys_duck.warehouse import Generation, Warehouse


def roll_back(warehouse: Warehouse, environment: str, *, number: int | None) -> tuple[Generation, Generation]:
    """Show an older generation, the newest older one without a number; returns what was and what is shown.

    Raises:
        ProjectError: there is no such generation, or it can't be read any more.
        BusyError: a build holds the warehouse.
    """
    warehouse.shown(environment)  # before the lock, which would make a folder that is not there
    with build_lock(warehouse.folder):
        current = warehouse.shown(environment)
        chosen = _choose(warehouse, current, number)
        reason = unfit(warehouse, chosen)
        if reason:
            raise ProjectError(
                f"{environment} generation {chosen.number} can't be shown: {reason}",
                where=str(chosen.path),
                fix="choose another with --to N (status --generations lists them), or build",
            )
        if chosen.number != current.number:
            warehouse.show(chosen)
        return current, chosen


def unfit(warehouse: Warehouse, generation: Generation) -> str:
    """Say why a generation can't be shown again; empty where it can."""
    moved_from = warehouse.moved_from(generation)
    if moved_from:
        return f"its views read {moved_from}: the warehouse was moved or copied"
    if not warehouse.is_intact(generation):
        return "its file was changed after it was published"
    tables = Store(warehouse.folder).tables
    for file, n_bytes in generation.files.items():
        path = tables / file
        if not path.is_file() or path.stat().st_size != n_bytes:
            return f"{file} is not as it was written"
    return ""


def _choose(warehouse: Warehouse, current: Generation, number: int | None) -> Generation:
    known = {one.number: one for one in warehouse.generations(current.environment)}
    if number is None:
        older = [one for one in known if one < current.number]
        if older:
            return known[max(older)]
        what = f"{current.environment} has no generation older than {current.number}, the one shown"
    elif number in known:
        return known[number]
    else:
        what = f"{current.environment} has no generation {number}"
    raise ProjectError(
        what,
        where=str(warehouse.history),
        fix=f"there are {', '.join(map(str, known))}: --to N chooses one" if len(known) > 1 else "build first",
    )
