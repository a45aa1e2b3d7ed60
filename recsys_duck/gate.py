"""Gates: how many rows a gate may reject before somebody is told, with examples and what may help.

A gate that keeps nothing of the files ends the build; one that rejects more than a fifth is a warning. What
a filter rejects somebody asked for: it counts for neither.
"""

from collections.abc import Mapping

from recsys_duck.engines import Engine, Query
from recsys_duck.errors import CheckError
from recsys_duck.funnel import TOTALS, percent
from recsys_duck.hints import Sample, hint, records_option
from recsys_duck.parameters import quoted
from recsys_duck.plan import SHARE
from recsys_duck.source import Source
from recsys_duck.stage import Contract, SqlStage, Stage
from recsys_duck.store import CheckRecord

MOST_REJECTED = 0.2
SHOWN_REASONS, SHOWN_ROWS = 3, 3
SAMPLED_ROWS = 100
EVENTS = "staging.events"


class Judge:
    """Judges gates by their counts, with examples from the tables of an engine."""

    def __init__(self, engine: Engine, sources: Mapping[str, Source]) -> None:
        self._engine = engine
        self._sources = sources

    def share(self, stage: Stage, contract: Contract, table: str, ledger: Mapping[str, int]) -> CheckRecord:
        """Judge the share of rows that a gate rejects; `ledger` counts its rows in, kept, and by reason.

        Raises:
            CheckError: it keeps none of the rows that the files have.
        """
        n_in, n_kept = ledger["in"], ledger["kept"]
        faults = {reason: n for reason, n in ledger.items() if reason not in (*TOTALS, *contract.harmless) and n}
        n_faults = sum(faults.values())
        is_of_files = contract.gate_of.startswith("files.")
        source = self._sources.get(contract.gate_of.removeprefix("files."))
        if n_in == 0 and is_of_files and source and source.files and not source.input.optional:
            name = source.input.name
            fix = f"check that they are the right files: --files {name}=GLOB"
            if "records" in source.input.options:
                fix = f"say where in a document its rows are: {records_option(name)}"
            raise CheckError(
                f"the files of input {name} hold no row, nothing is published",
                where=", ".join(file.shown for file in source.files[:SHOWN_ROWS]),
                fix=fix,
            )
        if n_kept == 0 and n_in and n_faults == n_in and (is_of_files or contract.gate_of == EVENTS):
            samples = self._samples(stage, table, faults)
            raise CheckError(
                f"{table} keeps none of {n_in:,} rows, nothing is published",
                where=self._told(faults, samples),
                fix=self._hint(samples[0], contract),
            )
        if n_faults <= MOST_REJECTED * n_in or not contract.gate_of.startswith(("files.", "staging.")):
            return CheckRecord("share", SHARE, "warn", 0, "counted")
        samples = self._samples(stage, table, faults)
        told = (
            f"rejects {n_faults:,} of {n_in:,} rows ({percent(n_faults, n_in)}): "
            f'{self._told(faults, samples)}; see them: recsys-duck query "from {table}_rejected limit 20"'
        )
        return CheckRecord("share", SHARE, "warn", n_faults, "counted", told)

    def _hint(self, sample: Sample, contract: Contract) -> str:
        """Say what to type for the input that a gate's rows come from: its own, or the first that must be there."""
        if contract.gate_of.startswith("files."):
            source = self._sources[contract.gate_of.removeprefix("files.")]
        else:
            source = next(source for source in self._sources.values() if not source.input.optional)
        return hint(sample, source.input, delimiter=source.files[0].text.delimiter if source.files else "")

    def _samples(self, stage: Stage, table: str, faults: Mapping[str, int]) -> list[Sample]:
        """Read some rejected rows of the most frequent reasons."""
        names = [column.name for column in stage.facts.columns] if isinstance(stage, SqlStage) else []
        keys = [name for name in names if name not in ("rejected_value", "reject_reason", "source_file")][:2]
        shown = [f"coalesce(cast({name} as varchar), '')" for name in keys]
        key = f"concat_ws(', ', {', '.join(shown)})" if shown else "''"
        value = "rejected_value" if "rejected_value" in names else "cast(null as varchar)"
        file = "source_file" if "source_file" in names else "''"
        samples = []
        for reason in sorted(faults, key=lambda one: (-faults[one], one))[:SHOWN_REASONS]:
            text = (
                f"select {value}, {key}, {file} from {table}_rejected "
                f"where reject_reason = {quoted(reason)} order by all limit {SAMPLED_ROWS}"
            )
            rows = self._engine.fetch(Query(text, where=table))
            samples.append(
                Sample(reason, tuple(str(row[0] or row[1]) for row in rows), str(rows[0][2] if rows else ""))
            )
        return samples

    @staticmethod
    def _told(faults: Mapping[str, int], samples: list[Sample]) -> str:
        told = []
        for sample in samples:
            values = ", ".join(repr(value[:60]) for value in dict.fromkeys(sample.values[:SHOWN_ROWS]))
            place = f" in {sample.file}" if sample.file else ""
            told.append(f"{faults[sample.reason]:,} {sample.reason}, as {values}{place}")
        return "; ".join(told)
