"""Stage files: the text of one stage as it is in its file, to copy into a project and to change there.

Of several files of one name the one that a build reads: the project's, else the kind's, else the shared one.
"""

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from recsys_duck.errors import ProjectError, near_miss
from recsys_duck.kind import SQL_FOLDER, Kind
from recsys_duck.project import stage_folders
from recsys_duck.stage import LAYERS, PythonStage, stage_name


@dataclass(frozen=True, slots=True)
class StageFile:
    """A stage's key, its text, whether it is the project's own, and its place in a project."""

    key: str
    text: str
    is_own: bool
    place: Path

    def told(self) -> str:
        """Say where the text is to be saved, or that it is there."""
        if self.is_own:
            return f"{self.place} is your own file; without it the shipped stage runs"
        return f"to change it, save it as {self.place}: mkdir -p {shlex.quote(str(self.place.parent))}"


def stage_file(key: str, root: Path, kind: Kind | None, in_python: tuple[PythonStage, ...] = ()) -> StageFile:
    """Find a stage's file; without a kind, among the shared ones and those of the project.

    Raises:
        ProjectError: there is no such file, it is not UTF-8, or the stage is Python.
    """
    folders = stage_folders(root, kind) if kind else [("shared", SQL_FOLDER), ("project", root / "sql")]
    found = {one: (origin, path) for origin, folder in folders for one, path in _files(folder)}
    if key not in found:
        raise _missing(key, list(found), in_python, kind)
    origin, path = found[key]
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ProjectError("a stage file is not UTF-8", where=str(path), fix="save it as UTF-8") from None
    place = root / "sql" / f"{key.replace('.', '/', 1)}.sql"
    shown = Path(os.path.relpath(place)) if place.is_relative_to(Path.cwd()) else place
    return StageFile(key, text, origin == "project", shown)


def _files(folder: Path) -> list[tuple[str, Path]]:
    """List the stage files of a folder; one without text is what `>` made of it before this command began."""
    paths = [path for layer in LAYERS for path in sorted((folder / layer).rglob("*.sql"))]
    return [
        (stage_name(path, folder)[0], path)
        for path in paths
        if len(path.relative_to(folder).parts) <= 3 and path.stat().st_size
    ]


def _missing(key: str, known: list[str], in_python: tuple[PythonStage, ...], kind: Kind | None) -> ProjectError:
    parts = [one for one in known if one.startswith(f"{key}/")]
    if parts:
        return ProjectError(
            f"{key} is made by {len(parts)} files: {', '.join(parts)}",
            where="sql STAGE",
            fix=f"name one: recsys-duck sql {parts[0]} --source",
        )
    for stage in in_python:
        if key in (stage.key, *stage.tables):
            reads = [one for one in stage.reads if one in known]
            fix = f"see what goes in: recsys-duck sql {reads[0]} --source" if reads else "there is no file to copy"
            return ProjectError(f"{stage.key} is Python, not SQL", where="sql STAGE", fix=fix)
    of_kind = f" of kind {kind.name}" if kind else ""
    fix = near_miss(key, known)
    if not kind:
        fix += "; or say the kind that has it: --kind events"
    return ProjectError(f"there is no SQL stage {key}{of_kind}", where="sql STAGE", fix=fix)
