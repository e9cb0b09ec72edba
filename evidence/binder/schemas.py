"""The JSON Schemas (2020-12) that travel in a binder, read from the files beside this module."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from evidence.binder.errors import UnknownSchema
from evidence.binder.files import SCHEMA_TYPE, BinderFile

_FOLDER: Final = Path(__file__).parent / "schemas"


def schema_names() -> list[str]:
    """Return the names of all schemas, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.json"))


def schema_file(name: str) -> BinderFile:
    """Return the schema as a file of the binder.

    Raises:
        UnknownSchema: no such schema.
    """
    if name not in schema_names():
        raise UnknownSchema(f"no binder schema {name!r}; known: {', '.join(schema_names())}")
    content = (_FOLDER / f"{name}.json").read_bytes()
    return BinderFile(
        path=f"schemas/{name}.json",
        chunks=(content,),
        media_type=SCHEMA_TYPE,
        title=f"Schema of {name} documents",
    )
