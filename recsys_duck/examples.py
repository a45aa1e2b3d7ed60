"""Example questions: the analysts' SELECTs that ship with the package, and how a question is given."""

from pathlib import Path

from recsys_duck.errors import ProjectError, near_miss

_PACKAGED = Path(__file__).parent / "queries"
QUERIES_FOLDER = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parent.parent / "warehouse" / "queries"


def example_questions() -> list[tuple[str, str]]:
    """List (name, first line) of each shipped question."""
    return [
        (path.stem, path.read_text(encoding="utf-8").splitlines()[0].removeprefix("--").strip())
        for path in sorted(QUERIES_FOLDER.glob("*.sql"))
    ]


def question_text(question: str) -> str:
    """Give the SQL of a question: an example's name, a file's path, or the SQL itself.

    Raises:
        ProjectError: it is one word, and neither an example nor a file.
    """
    example = QUERIES_FOLDER / f"{question}.sql"
    if question.isidentifier() and example.exists():
        return example.read_text(encoding="utf-8")
    if question.endswith(".sql") and "\n" not in question:
        try:
            return Path(question).read_text(encoding="utf-8")
        except OSError as error:
            raise ProjectError(f"can't read {question}", where="query", fix=error.strerror or "") from None
    if question.isidentifier():
        raise ProjectError(
            f"there is no example {question}",
            where="query",
            fix=near_miss(question, [name for name, _ in example_questions()]),
        )
    return question
