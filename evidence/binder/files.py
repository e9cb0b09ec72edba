"""One file of a binder, and the two ways most of them are made: a JSON document, or JSON lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from evidence.digests import canonical_json

JSON_TYPE: Final = "application/json"
JSON_LINES_TYPE: Final = "application/jsonl"
HTML_TYPE: Final = "text/html"
SCHEMA_TYPE: Final = "application/schema+json"
_LINES_A_CHUNK: Final = 200


class RequirementStatus(StrEnum):
    """What follows for a requirement from its criteria, as the signed statement counts it."""

    SATISFIED = "satisfied"
    PARTIAL = "partial"
    NOT_SATISFIED = "notSatisfied"
    NOT_ASSESSED = "notAssessed"
    WAIVED = "waived"


@dataclass(frozen=True, slots=True)
class BinderFile:
    """What a section hands to the writer. `chunks` is read once, while the file is written.

    Attributes:
        path: below `data/`, with `/` between names, e.g. `traces/traces.jsonl`.
        chunks: the content, in pieces of any size.
        media_type: as the RO-Crate states it.
        title: what the front page calls it.
        schema: name of a file in `evidence/binder/schemas` without `.json`; empty when none applies.
        population: name under which the lines are counted in the signed statement; empty for none.
        status: for a requirement's file, the status the statement counts.
    """

    path: str
    chunks: Iterable[bytes]
    media_type: str
    title: str
    schema: str = ""
    population: str = ""
    status: RequirementStatus | None = None


class Lines:
    """JSON lines made from rows, read one at a time: a million rows need the memory of a few hundred.

    A row of bytes is its line already, without the end of it.
    """

    def __init__(self, rows: Callable[[], Iterable[object]]) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[bytes]:
        pending: list[bytes] = []
        for row in self._rows():
            pending.append(row if isinstance(row, bytes) else canonical_json(row))
            if len(pending) == _LINES_A_CHUNK:
                yield _joined(pending)
                pending.clear()
        if pending:
            yield _joined(pending)


def _joined(lines: list[bytes]) -> bytes:
    return b"\n".join([*lines, b""])


def json_file(
    path: str, value: object, *, title: str, schema: str = "", status: RequirementStatus | None = None
) -> BinderFile:
    """Return a file with the RFC 8785 bytes of `value`.

    Raises:
        evidence.digests.DigestError: `value` holds what JSON does not have, such as NaN.
    """
    return BinderFile(
        path=path,
        chunks=(canonical_json(value),),
        media_type=JSON_TYPE,
        title=title,
        schema=schema,
        status=status,
    )


def json_lines_file(
    path: str, rows: Callable[[], Iterable[object]], *, title: str, schema: str = "", population: str = ""
) -> BinderFile:
    """Return a file with one RFC 8785 document a line; `rows` is called when the file is written."""
    return BinderFile(
        path=path,
        chunks=Lines(rows),
        media_type=JSON_LINES_TYPE,
        title=title,
        schema=schema,
        population=population,
    )
