"""Assertions: grain, checks and the row ledger of a table that stands, before anyone may read it.

Each outcome is a record under the table's fingerprint, so that a check runs once a table, and a new
check runs on an old table.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from recsys_duck.engines import Engine, Query
from recsys_duck.errors import CheckError
from recsys_duck.plan import assertions
from recsys_duck.sentence import MOST_TOLD, columns_of, filled
from recsys_duck.stage import Check, Contract, SqlStage, Stage
from recsys_duck.store import CheckRecord

# Above this, uniqueness is counted on one slice of the keys: a count of everything costs half a stage.
COUNTED_ROWS = 20_000_000


@dataclass(frozen=True, slots=True)
class Subject:
    """A table to assert: its name in the session, its rows, and what a gate judged: a query, or its rows by lines.

    `counts` are a gate's rows, kept and by reason; `is_whole` is false where other stages make parts of the same table.
    """

    stage: Stage
    contract: Contract
    relation: str
    n_rows: int
    gate_input: Query | int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    is_whole: bool = True


def verify(engine: Engine, subject: Subject, known: tuple[CheckRecord, ...]) -> tuple[CheckRecord, ...]:
    """Run the assertions of a table that are not known to hold; returns all outcomes that its header names."""
    wanted = assertions(subject.contract)
    kept = [check for check in known if (check.kind, check.text) in wanted and check.n_failed == 0]
    have = {(check.kind, check.text) for check in kept}
    missing = [check for check in subject.contract.checks if ("check", check.predicate) not in have]
    outcomes = list(kept)
    if subject.contract.grain and ("grain", ", ".join(subject.contract.grain)) not in have:
        outcomes.append(_grain(engine, subject))
    outcomes += _checks(engine, subject, missing)
    ledger = [text for kind, text in wanted if kind == "ledger" and ("ledger", text) not in have]
    if ledger and subject.gate_input is not None:
        outcomes.append(_ledger(engine, subject, subject.gate_input, ledger[0]))
    return tuple(outcomes)


def count_reasons(engine: Engine, relation: str) -> dict[str, int]:
    """Count a gate's rows: under kept, and under each reason.

    Raises:
        CheckError: a reason has the name of a total.
    """
    kept = engine.fetch(Query(f"select count(*) from {relation}", where=relation))[0][0]
    reasons = engine.fetch(
        Query(
            f"select reject_reason, count(*) from {relation}_rejected group by reject_reason order by reject_reason",
            where=relation,
        )
    )
    taken = {"in", "kept"} & {str(reason) for reason, _ in reasons}
    if taken:
        raise CheckError(
            f"{relation} rejects rows for the reason {taken.pop()!r}",
            where=relation,
            fix="say why: in and kept are totals",
        )
    return {"kept": int(kept), **{str(reason): int(n_rows) for reason, n_rows in reasons}}


def raise_failures(subject: Subject, outcomes: tuple[CheckRecord, ...]) -> None:
    """Raise what does not hold.

    Raises:
        CheckError: names the table, the assertion, how many rows break it and the first of them.
    """
    where = stage_place(subject.stage)
    for outcome in outcomes:
        if outcome.n_failed and outcome.severity == "fail":
            first = f" (first: {outcome.examples})" if outcome.examples else ""
            what, fix = _told(subject, outcome)
            raise CheckError(what, where=f"{where}, {outcome.kind} {outcome.text}{first}", fix=fix)


def stage_place(stage: Stage) -> str:
    """Say where a stage stands: its file, or the key of a Python stage."""
    return stage.place if isinstance(stage, SqlStage) else stage.key


_FIXES: Mapping[str, str] = {
    "grain": "group by the grain, or add the missing column to `grain:`",
    "check": "mend the stage or its input, or the check",
    "ledger": "a gate has one row out for each row in: unnest and join before it or after it",
}


def _fix(stage: Stage, outcome: CheckRecord) -> str:
    if outcome.kind == "grain" and stage.for_each.startswith("files."):
        return "a source file holds a key twice, as two documents in one file do: mend the file, or the grain"
    return _FIXES[outcome.kind]


def _told(subject: Subject, outcome: CheckRecord) -> tuple[str, str]:
    """Say what does not hold and how to mend it; a check's own sentence says what, and after a semicolon how."""
    table, fix = subject.stage.key, _fix(subject.stage, outcome)
    if outcome.kind == "grain":
        return f"{table} has {outcome.n_failed} repeated or null key{'s' if outcome.n_failed > 1 else ''}", fix
    if outcome.kind == "ledger":
        return f"{table} lost or added rows: {outcome.examples}", fix
    sentences = {check.predicate: check.sentence for check in subject.contract.checks}
    sentence, _, own_fix = sentences.get(outcome.text, "").partition("; ")
    broken = "1 row that breaks" if outcome.n_failed == 1 else f"{outcome.n_failed} rows that break"
    what = f"{table} has {broken} a check"
    return f"{what}: {sentence}" if sentence else what, own_fix or fix


def _grain(engine: Engine, subject: Subject) -> CheckRecord:
    keys = ", ".join(subject.contract.grain)
    has_null = " or ".join(f"{name} is null" for name in subject.contract.grain)
    n_null = _count(engine, subject, has_null)
    stage = subject.stage
    if isinstance(stage, SqlStage) and subject.is_whole and not stage.for_each and _is_grouped(stage):
        return CheckRecord("grain", keys, "fail", n_null, "proven by its group by")
    n_slices = -(-subject.n_rows // COUNTED_ROWS)
    where = f"where hash({keys}) % {n_slices} = 0" if n_slices > 1 else ""
    repeated = f"select {keys} from {subject.relation} {where} group by {keys} having count(*) > 1"
    n_repeated = int(engine.fetch(Query(f"select count(*) from ({repeated})", where=stage.key))[0][0])
    examples = ""
    if n_repeated:
        rows = engine.fetch(Query(f"{repeated} order by {keys} limit 2", where=stage.key))
        examples = "; ".join(", ".join(str(value) for value in row) for row in rows)
    method = f"counted on one of {n_slices} slices of the keys" if n_slices > 1 else "counted"
    return CheckRecord("grain", keys, "fail", n_null + n_repeated, method, examples)


def _is_grouped(stage: SqlStage) -> bool:
    keys = set(stage.facts.group_keys)
    return bool(keys) and keys <= set(stage.contract.grain)


def _checks(engine: Engine, subject: Subject, checks: list[Check]) -> Iterator[CheckRecord]:
    if not checks:
        return
    counts = ", ".join(f"count(*) filter (where ({check.predicate}) is not true)" for check in checks)
    where = f"{stage_place(subject.stage)}, checks in its header"
    failed = engine.fetch(Query(f"select {counts} from {subject.relation}", where=where))[0]
    for check, n_failed in zip(checks, failed, strict=True):
        examples = _examples(engine, subject, check, where) if n_failed else ""
        yield CheckRecord("check", check.predicate, check.severity, int(n_failed), "counted", examples)


def _examples(engine: Engine, subject: Subject, check: Check, where: str) -> str:
    """Give the first keys that break a check; if its sentence names columns, that of each row, a line each."""
    keys = ", ".join(subject.contract.grain)
    named = columns_of(check.sentence)
    if not named and not keys:
        return ""
    order, most = f"order by {keys}" if keys else "", MOST_TOLD if named else 2
    shown = ", ".join(named) or keys
    broken = f"select {shown} from {subject.relation} where ({check.predicate}) is not true {order} limit {most}"
    found = engine.fetch(Query(broken, where=where))
    if named:
        return "\n".join(filled(check.sentence, dict(zip(named, row, strict=True))) for row in found)
    return "; ".join(", ".join(str(value) for value in row) for row in found)


def _ledger(engine: Engine, subject: Subject, gate_input: Query | int, text: str) -> CheckRecord:
    by_files = isinstance(gate_input, int)
    n_in = gate_input if isinstance(gate_input, int) else int(engine.fetch(gate_input)[0][0])
    counts = subject.counts
    n_out = sum(counts.values())
    told = f"{n_in} in, {counts['kept']} kept, {n_out - counts['kept']} rejected"
    method = "counted on the files" if by_files else "counted"
    return CheckRecord("ledger", text, "fail", abs(n_in - n_out), method, told if n_in != n_out else "")


def _count(engine: Engine, subject: Subject, condition: str) -> int:
    query = Query(f"select count(*) from {subject.relation} where {condition}", where=subject.stage.key)
    return int(engine.fetch(query)[0][0])
