"""What an export file would hold: the rows of its SELECT on the published generation, in the order it asks for."""

import re
from pathlib import Path
from typing import Any

import duckdb

from recsys_duck.kind import SQL_FOLDER


def exported(root: Path, kind: str, file: str, environment: str = "recsys") -> list[dict[str, Any]]:
    """Give the rows of the kind's export that writes this file, each a record."""
    texts = [path.read_text(encoding="utf-8") for path in (SQL_FOLDER / "kinds" / kind / "exports").glob("*.sql")]
    (select,) = [text for text in texts if re.search(rf"^-- file: +{re.escape(file)}$", text, re.MULTILINE)]
    catalog = root / "warehouse" / f"{environment}.duckdb"
    inode = catalog.stat().st_ino
    path = next(one for one in (root / "warehouse" / "generations").glob("*.duckdb") if one.stat().st_ino == inode)
    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.execute(select)
        columns = [column[0] for column in found.description]
        return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
