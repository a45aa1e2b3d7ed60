"""The package keeps its shape: who imports what, which way arrows point, how long a module grows."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "recsys_duck"
MODULES = sorted(PACKAGE.rglob("*.py"))
HOMES = {
    "duckdb": {
        "engines/copying.py",
        "engines/duckdb.py",
        "engines/faults.py",
        "engines/sqltext.py",
        "question.py",
        "catalog.py",
    },
    "rich": {"console.py"},
    "click": {
        "cli/__init__.py",
        "cli/options.py",
        "cli/run.py",
        "cli/ask.py",
        "cli/files.py",
        "cli/life.py",
        "cli/show.py",
        "cli/start.py",
    },
    "pyarrow": {"engines/copies.py", "engines/duckdb.py", "packing.py"},
    "polars": {"bridge.py"},
    "scipy": {"bridge.py"},
    "implicit": {"models/als.py"},
    "pyspark": {"engines/spark.py"},
    "sqlglot": {"engines/spark.py"},
}


def imported(path: Path, *, at_load: bool = False) -> set[str]:
    """Full names of the modules a file imports; with `at_load` only those outside of functions and type checks."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if at_load else list(ast.walk(tree))
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("library", sorted(HOMES))
def test_a_library_is_imported_in_its_home_only(library: str) -> None:
    users = {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        if any(name.split(".")[0] == library for name in imported(path))
    }
    assert users <= HOMES[library]


def test_nothing_needs_the_spark_extra_until_it_is_asked_for() -> None:
    others = [path for path in MODULES if path != PACKAGE / "engines" / "spark.py"]
    assert not [path for path in others if "recsys_duck.engines.spark" in imported(path, at_load=True)]


def test_imports_point_one_way() -> None:
    names = {path: "recsys_duck." + ".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in MODULES}
    names = {path: name.removesuffix(".__init__") for path, name in names.items()}
    known = set(names.values())
    arrows = {name: (imported(path, at_load=True) & known) - {name} for path, name in names.items()}
    reached: dict[str, set[str]] = {}
    for name in TopologicalSorter(arrows).static_order():  # raises where modules import each other in a circle
        reached[name] = set().union(*({one} | reached[one] for one in arrows[name]))
    ladder = ["errors", "parameters", "stage", "settings", "inputs", "project", "graph", "plan", "build", "cli"]
    for place, lower in enumerate(ladder):
        above = {f"recsys_duck.{name}" for name in ladder[place + 1 :]}
        assert not reached[f"recsys_duck.{lower}"] & above


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_is_one_noun_of_moderate_length(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 350
    assert path.stem not in {"utils", "helpers", "common", "base", "types", "constants", "manager"}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, node.name


def test_help_is_there_without_duckdb_and_numpy() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from recsys_duck.cli import cli; "
        "assert CliRunner().invoke(cli, ['--help']).exit_code == 0; "
        "print([name for name in ('duckdb', 'numpy', 'pyarrow', 'polars', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
