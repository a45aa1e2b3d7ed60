"""The funnel: where the rows of every gate went, as events and as lines whose columns add up.

The last screen of a build and `profile funnel` show the same lines. What a gate is and why its rows add
up is the matter of verify.py, which counts them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from recsys_duck.events import Gated

TOTALS = ("in", "kept")
COLUMNS = ("rows in =", "kept +", "rejected")


def gated(ledgers: Iterable[tuple[str, Mapping[str, int]]]) -> Iterator[Gated]:
    """Tell the rows of each gate from its ledger, in the order given; a stage without one is no gate."""
    for stage, ledger in ledgers:
        if ledger:
            reasons = sorted((-n_rows, reason) for reason, n_rows in ledger.items() if reason not in TOTALS)
            rejected = {reason: -n_rows for n_rows, reason in reasons if n_rows}
            yield Gated(stage, ledger["in"], ledger["kept"], rejected)


def funnel_lines(gates: Sequence[Gated]) -> list[str]:
    """Write a table of the gates that rejected rows, each reason below its gate, and count the others."""
    leaky = [gate for gate in gates if gate.rejected]
    names = [gate.stage for gate in leaky] + [f"  {reason}" for gate in leaky for reason in gate.rejected]
    counts = [(gate.n_in, gate.n_kept, gate.n_rejected) for gate in leaky]
    name_width = max([len("gate"), *map(len, names)])
    widths = [max([len(head), *(len(f"{row[at]:,}") for row in counts)]) for at, head in enumerate(COLUMNS)]
    lines = []
    if leaky:
        lines.append(_line("gate", COLUMNS, name_width, widths))
    for gate in leaky:
        told = (f"{gate.n_in:,}", f"{gate.n_kept:,}", f"{gate.n_rejected:,}")
        lines.append(_line(gate.stage, told, name_width, widths))
        for reason, n_rows in gate.rejected.items():
            line = _line(f"  {reason}", ("", "", f"{n_rows:,}"), name_width, widths)
            lines.append(f"{line}  {percent(n_rows, gate.n_in):>8}")
    lines += _others(len(gates) - len(leaky), len(leaky))
    return (
        [*lines, f'see rejected rows: recsys-duck query "from {leaky[0].stage}_rejected limit 20"'] if leaky else lines
    )


def brief_lines(gates: Sequence[Gated]) -> list[str]:
    """Write one line for each gate that rejected rows, without its reasons, and count the others."""
    leaky = [gate for gate in gates if gate.rejected]
    lines = [
        f"{gate.stage}: {gate.n_rejected:,} of {gate.n_in:,} rows rejected ({percent(gate.n_rejected, gate.n_in)})"
        for gate in leaky
    ]
    return [*lines, *_others(len(gates) - len(leaky), len(leaky))]


def percent(part: int, whole: int) -> str:
    """Write a share as a percentage of two digits; what is not 0 is never written as 0."""
    share = 100 * part / whole if whole else 0.0
    return "<0.01 %" if 0 < share < 0.01 else f"{share:.2f} %"


def _line(name: str, cells: Sequence[str], name_width: int, widths: Sequence[int]) -> str:
    shown = "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
    return f"{name:<{name_width}}  {shown}".rstrip()


def _others(n_tight: int, n_leaky: int) -> list[str]:
    if not n_tight:
        return []
    gates = "gate" if n_tight == 1 else "gates"
    return [f"{n_tight} other {gates} kept every row" if n_leaky else f"{n_tight} {gates} kept every row"]
