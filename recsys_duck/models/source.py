"""Source: the text that a Python stage's fingerprint covers, its module and all it imports from the package."""

import ast
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


@cache
def source_of(module: str) -> str:
    """Join the source of a module with that of everything it imports from this package, in order of names.

    Raises:
        FileNotFoundError: there is no such module in the package.
    """
    texts: dict[str, str] = {}
    todo = [module]
    while todo:
        name = todo.pop()
        if name in texts:
            continue
        texts[name] = _path(name).read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(texts[name])):
            if isinstance(node, ast.ImportFrom) and node.module and f"{node.module}.".startswith(f"{PACKAGE.name}."):
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
                todo += [one for one in names if _path(one).exists()]
    return "\n".join(f"# {name}\n{texts[name]}" for name in sorted(texts))


def _path(module: str) -> Path:
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
