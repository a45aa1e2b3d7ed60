"""What the fingerprint of a Python stage covers: its own source and all it imports from the package."""

import pytest

from recsys_duck.models.source import source_of


def test_the_source_of_a_module_holds_what_it_imports_from_the_package() -> None:
    text = source_of("recsys_duck.graph")
    assert "def build_graph(" in text
    assert "def load_project(" in text
    assert "class RecsysDuckError(" in text
    assert "def publish(" not in text
    assert (
        source_of("recsys_duck.errors")
        == "# recsys_duck.errors\n" + text.split("# recsys_duck.errors\n")[1].split("\n# recsys_duck.")[0]
    )


def test_a_module_that_is_not_there_is_refused() -> None:
    with pytest.raises(FileNotFoundError):
        source_of("recsys_duck.models.nothing")
