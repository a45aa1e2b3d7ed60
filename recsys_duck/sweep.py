"""A sweep: the same project under each combination of some parameters, judged, and kept in one table.

A combination builds what `eval.metrics` needs and publishes nothing; tables that combinations share are
built once. The table is published in an environment of its own.
"""

import itertools
import time
import tomllib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial

from recsys_duck.build import building, drop_damage, prelude, repairing
from recsys_duck.catalog import Catalog
from recsys_duck.engines import Query
from recsys_duck.errors import ProjectError, RecsysDuckError
from recsys_duck.events import Event, Progress, Tried, Warned
from recsys_duck.graph import Graph
from recsys_duck.meta import parameters_table
from recsys_duck.parameters import Value, parse_assignment
from recsys_duck.plan import make_plan
from recsys_duck.project import Project
from recsys_duck.publish import put_in_place
from recsys_duck.relation import Relation, stored_rows
from recsys_duck.run import How, Run, open_engine
from recsys_duck.store import PartRecord, Store, digest
from recsys_duck.warehouse import Warehouse

JUDGED = "eval.metrics"
AUDIT = "split.manifest"
TABLE = "eval.sweep"
ENVIRONMENT = "sweep"
ABOUT = "How well each model's lists did under each combination of parameters, by every convention."


@dataclass(frozen=True, slots=True)
class Combination:
    """One combination: the values of what varies, and the project that has them."""

    values: Mapping[str, Value]
    project: Project
    graph: Graph


def parse_alternatives(text: str) -> tuple[str, list[object]]:
    """Split `name=a,b,c` into its values, each as `--set` reads it; a list in brackets is one value.

    Raises:
        ProjectError: there is no `=` or no name.
    """
    name, written = parse_assignment(text)[0], text.partition("=")[2].strip()
    try:
        values = list(tomllib.loads(f"values = [{written}]")["values"])
    except tomllib.TOMLDecodeError:
        values = [parse_assignment(f"{name}={one}")[1] for one in written.split(",")]
    if not values or "" in values:
        raise ProjectError(f"can't read {text!r}", where="--set", fix="write --set name=value,value")
    return name, values


def load_combinations(
    assignments: Sequence[str], load: Callable[[list[tuple[str, object]]], tuple[Project, Graph]]
) -> list[Combination]:
    """Load the project once for each combination, in the order given, the last parameter fastest.

    Raises:
        ProjectError: a value is unfit, or nothing would be judged; nothing runs then.
    """
    given = [parse_alternatives(text) for text in assignments]
    alternatives = dict(given)
    if len(alternatives) < len(given):
        raise ProjectError(
            "a parameter is given twice", where="--set", fix="write its values together: --set seed=0,1,2"
        )
    combinations: dict[tuple[Value, ...], Combination] = {}
    for chosen in itertools.product(*alternatives.values()):
        project, graph = load(list(zip(alternatives, chosen, strict=True)))
        if project.settings["split"].value.data == "none":
            raise ProjectError("split = none leaves nothing to judge by", where="sweep", fix="add --set split=random")
        values = {name: project.settings[name].value for name, listed in alternatives.items() if len(listed) > 1}
        combinations.setdefault(tuple(values.values()), Combination(values, project, graph))
    return list(combinations.values())


def sweep(combinations: Sequence[Combination], how: How) -> Iterator[Event]:
    """Judge each combination and publish their table; yields what happens.

    Raises:
        ProjectError: the environment is one that a build publishes.
        BusyError, StageError, CheckError, ResourceError, InterruptedBuildError, TerminatedBuildError:
            nothing is published, finished tables stay.
    """
    project = combinations[0].project
    with building(project) as store:
        _refuse_environment(Warehouse(project.warehouse), how.environment)
        drop_damage(store, how)
        found: list[tuple[Mapping[str, Value], PartRecord]] = []
        told: set[Event] = set()
        for combination in combinations:
            started = time.monotonic()
            shown = {name: value.text() for name, value in combination.values.items()}
            try:
                part = yield from repairing(partial(_judge, combination, how, store, told), store)
            except RecsysDuckError as error:
                error.where = "; ".join([error.where, *(f"{name} = {value}" for name, value in shown.items())])
                raise
            found.append((combination.values, part))
            yield Tried(shown, len(found), len(combinations), round(time.monotonic() - started, 3))
        part = _write(found, how, store)
        kept = {name: one for name, one in project.settings.items() if name not in combinations[0].values}
        comments = {name: project.settings[name].parameter.about for name in combinations[0].values}
        comments |= {column.name: column.comment for column in project.stages[JUDGED].tables[JUDGED].columns}
        catalog = Catalog(
            relations=(Relation(TABLE, columns=part.columns, paths=(store.part_path(part),)),),
            comments={TABLE: (ABOUT, comments)},
            macros=(),
            meta=(parameters_table(kept),),
        )
        yield from put_in_place(catalog, store, how.environment, stages={}, parts=[part])


def _refuse_environment(warehouse: Warehouse, environment: str) -> None:
    current = warehouse.published(environment)
    if current and current.stages:
        raise ProjectError(
            f"{environment} is what a build publishes, a sweep would take its tables away",
            where="--as, or the sweep's own name",
            fix="give another name: --as NAME",
        )


def _judge(combination: Combination, how: How, store: Store, told: set[Event]) -> Generator[Event, None, PartRecord]:
    """Build what a combination's metrics and the audit of its split need; returns the metrics' part.

    What was `told` is not told again.
    """
    values = ", ".join(f"{name} = {value.text()}" for name, value in combination.values.items())
    plan = make_plan(
        combination.project,
        combination.graph,
        store,
        selected=combination.graph.select(f"+{JUDGED}") | combination.graph.select(f"+{AUDIT}"),
        forced=False,
        published={},
    )
    with ExitStack() as stack:
        run = Run(plan, how, store, stack)
        steps = (event for step in plan.steps for event in run.step(step))
        for event in itertools.chain(prelude(plan, how), steps):
            if isinstance(event, Progress):
                yield event
            elif isinstance(event, Warned) and event not in told:
                told.add(event)
                yield replace(event, message=f"{event.message} (first with {values})") if values else event
    [part] = run.records[JUDGED].of_table(JUDGED)
    return part


def _write(found: Sequence[tuple[Mapping[str, Value], PartRecord]], how: How, store: Store) -> PartRecord:
    """Write the metrics of all combinations as one part, what varies first."""
    selects = []
    for values, part in found:
        varied = "".join(f"{value.literal()} as {name}, " for name, value in values.items())
        names = ", ".join(name for name, _ in part.columns)
        selects.append(f"select {varied}{names} from {stored_rows([store.part_path(part)])}")
    varying = [{name: value.literal() for name, value in values.items()} for values, _ in found]
    fingerprint = digest([varying, [part.fingerprint for _, part in found]])
    known = store.part(TABLE, fingerprint)
    if known is not None:
        return known
    folder = store.new_folder(TABLE, fingerprint)  # another where a damaged one is in its place
    scratch = store.scratch(TABLE, folder)
    with closing(open_engine(how, store)) as engine:
        written = engine.write(
            Query("\nunion all\n".join(selects) + "\norder by all", where=TABLE), scratch / "data.parquet"
        )
    part = PartRecord(TABLE, folder, fingerprint, "", written.n_rows, written.n_bytes, written.columns)
    store.adopt(scratch, part)
    return part
