"""The errors a caller can handle, each with what went wrong, where, and the fix.

The exit code stands on the class. Nothing here prints or exits.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

# of another program's text: its lines, their length, and where its advice on its own options begins
MOST_LINES, LONGEST_LINE = 6, 240
ADVICE = ("possible fix", "possible solution", "* ")


class RecsysDuckError(Exception):
    """Say what is wrong, where it stands and how to mend it; `cause` is the engine's own text."""

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", fix: str = "", cause: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix
        self.cause = cause

    def __str__(self) -> str:
        """Render the block that the terminal shows."""
        lines = [f"error: {self.what}"]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.fix:
            lines.append(f"  fix:   {self.fix}")
        lines.extend(f"    {line}" for line in first_lines(self.cause))
        return "\n".join(lines)


def first_lines(cause: str) -> list[str]:
    """Take the lines of another program's text that say what is wrong, without its own advice."""
    kept: list[str] = []
    for line in cause.splitlines():
        if line.strip().lower().startswith(ADVICE) or len(kept) == MOST_LINES:
            break
        if line.strip():
            kept.append(line if len(line) <= LONGEST_LINE else line[:LONGEST_LINE] + "…")
    return kept


class StageError(RecsysDuckError):
    """A stage failed while it ran."""


class DamageError(StageError):
    """Table files of ours can't be read any more; a build drops them and makes them again."""

    def __init__(self, paths: Sequence[Path], *, cause: str = "") -> None:
        super().__init__(
            "a table file is damaged again and again",
            where=", ".join(map(str, paths)),
            fix="check the disk, or build into another folder: --warehouse DIR",
            cause=cause,
        )
        self.paths = tuple(paths)


class ProjectError(RecsysDuckError):
    """The command, the project or a stage file is wrong; nothing has run."""

    exit_code = 2


class ProblemsError(ProjectError):
    """Several problems of a project at once."""

    def __init__(self, problems: Sequence[RecsysDuckError]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class BusyError(RecsysDuckError):
    """Another build holds the warehouse."""

    exit_code = 3


class CheckError(RecsysDuckError):
    """A grain, a check or the row ledger of a table does not hold."""

    exit_code = 4


class ResourceError(RecsysDuckError):
    """Memory or disk did not suffice."""

    exit_code = 5


class InterruptedBuildError(RecsysDuckError):
    """Ctrl-C stopped the build."""

    exit_code = 130


class TerminatedBuildError(RecsysDuckError):
    """A termination signal stopped the build."""

    exit_code = 143


def raise_problems(problems: Sequence[RecsysDuckError]) -> None:
    """Raise nothing, the one problem, or all of them together."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise ProblemsError(problems)


def near_miss(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Offer the nearest known name as a sentence, or list what there is."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=cutoff)
    if close:
        return f"did you mean {close[0]}?"
    return "known: " + ", ".join(names) if names else "there are none"
