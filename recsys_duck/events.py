"""Events: what a build tells while it runs. The console, `--json` and the tests read the same ones."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; the class names it."""

    def record(self) -> dict[str, object]:
        """Give the event as plain data, its name first."""
        return {"event": type(self).__name__.lower(), **asdict(self)}


@dataclass(frozen=True, slots=True)
class Planned(Event):
    """The plan stands: how many stages run, are only checked, and are reused."""

    n_run: int
    n_check: int
    n_reused: int
    memory_mb: int
    threads: int


@dataclass(frozen=True, slots=True)
class Started(Event):
    """A stage begins; `n_parts` of it are still to be made. `need_mb` is what a Python stage's arrays take."""

    stage: str
    reason: str
    n_parts: int
    need_mb: int | None = None


@dataclass(frozen=True, slots=True)
class Progress(Event):
    """A stage goes on; `done_share` is None where the engine does not know."""

    stage: str
    n_parts_done: int
    n_parts: int
    done_share: float | None
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class Built(Event):
    """A stage's table stands, asserted. `made` is built, or checked where the table was there."""

    stage: str
    made: str
    made_as: str
    n_rows: int
    n_bytes: int
    n_rejected: int
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class Skipped(Event):
    """A stage's table is there already."""

    stage: str
    reason: str


@dataclass(frozen=True, slots=True)
class Warned(Event):
    """Something a reader should know; the build goes on."""

    stage: str
    message: str


@dataclass(frozen=True, slots=True)
class Noted(Event):
    """Something worth a line at the end of a build, and no reason to worry."""

    stage: str
    message: str


@dataclass(frozen=True, slots=True)
class Gated(Event):
    """Where the rows of a gate went: `n_in` = `n_kept` + those of `rejected`, by reason, most first."""

    stage: str
    n_in: int
    n_kept: int
    rejected: dict[str, int]

    @property
    def n_rejected(self) -> int:
        """Rows that the gate kept out, for all reasons."""
        return sum(self.rejected.values())


@dataclass(frozen=True, slots=True)
class Tried(Event):
    """A combination of a sweep is judged; `combination` maps what varies to its value, as text."""

    combination: dict[str, str]
    n_done: int
    n_combinations: int
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class Failed(Event):
    """The build stops; nothing was published."""

    error: str
    what: str
    where: str
    fix: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class Published(Event):
    """The catalog stands. `generation` is unchanged and `is_new` false where nothing differs."""

    environment: str
    generation: int
    is_new: bool
    catalog: str
    n_tables: int
    n_bytes: int
    n_bytes_own: int
    shared_with: str
    elapsed_s: float
