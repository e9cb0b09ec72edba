"""A file without what it says of one trace: what is left of everybody else's stays as it was. Free of Django.

Files that hold copies of what traces said come in any format. In JSON, also by lines or inside a ZIP, the innermost
object that names the trace goes, and so does each text that holds words of it. In anything else the words themselves
are overwritten. A file of which some of the words would remain is refused, and then it has to go as a whole.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final
from uuid import UUID

ERASED_TEXT: Final = "[erased]"
ERASED_KEY: Final = "tracebinder.erased"  # the only key of an erased JSON object
_ZIP: Final = b"PK\x03\x04"


class Unredactable(Exception):
    """The file would still hold what should be gone."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a file is searched for: a trace, and texts that only it holds."""

    trace_id: UUID
    words: Sequence[str] = ()

    @property
    def ids(self) -> frozenset[str]:
        """The trace id as it is written, in lower case."""
        return frozenset({self.trace_id.hex, str(self.trace_id)})

    def is_in(self, data: bytes) -> bool:
        """Whether a file names the trace or holds its words, however these are escaped."""
        if (members := _members(data)) is not None:
            return any(self.is_in(content) for _, content in members)
        lower = data.lower()
        return any(name.encode() in lower for name in self.ids) or self.says(data)

    def says(self, data: bytes) -> bool:
        """Whether a file holds words of the trace."""
        return any(form in data for word in self.words for form in spellings(word))


def redact(data: bytes, subject: Subject) -> bytes:
    """Return a file without what it says of a trace.

    Raises:
        Unredactable: the file cannot be taken apart.
    """
    members = _members(data)
    left = _redact_text(data, subject) if members is None else _redact_zip(members, subject)
    if left == data or subject.says(left):
        raise Unredactable
    return left


def spellings(word: str) -> frozenset[bytes]:
    """Return the ways in which text, JSON, JSON inside JSON, and XML write a text."""
    forms = {word, escape(word), escape(word, quote=False)}
    for ascii_only in (True, False):
        once = json.dumps(word, ensure_ascii=ascii_only)[1:-1]
        forms |= {once, json.dumps(once, ensure_ascii=ascii_only)[1:-1]}
    return frozenset(form.encode("utf-8", "surrogatepass") for form in forms)


def _redact_zip(members: list[tuple[zipfile.ZipInfo, bytes]], subject: Subject) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as target:
        for info, content in members:
            left = redact(content, subject) if subject.is_in(content) else content
            target.writestr(info, left, info.compress_type)
    return written.getvalue()


def _members(data: bytes) -> list[tuple[zipfile.ZipInfo, bytes]] | None:
    """Return the members of an archive; None: it is none, or none that anybody could read."""
    if not data.startswith(_ZIP):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as source:
            return [(info, source.read(info)) for info in source.infolist()]
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError, ValueError):
        return None


def _redact_text(data: bytes, subject: Subject) -> bytes:
    try:
        return _redact_json(data, subject)
    except (ValueError, RecursionError):
        lines = data.splitlines(keepends=True)
        return b"".join(_redact_line(line, subject) for line in lines)


def _redact_line(line: bytes, subject: Subject) -> bytes:
    if not subject.is_in(line):
        return line
    content = line.rstrip(b"\r\n")
    try:
        return _redact_json(content, subject) + line[len(content) :]
    except (ValueError, RecursionError):
        if any(name.encode() in line.lower() for name in subject.ids):
            raise Unredactable from None  # nobody can tell how far what it says of the trace goes
        for word in subject.words:
            for form in sorted(spellings(word), key=len, reverse=True):
                line = line.replace(form, ERASED_TEXT.encode())
        return line


def _redact_json(data: bytes, subject: Subject) -> bytes:
    """Return a JSON text without the subject's; ValueError and RecursionError: it cannot be read or written."""
    document = json.loads(data)
    if not isinstance(document, dict | list):
        raise ValueError("no JSON document")  # noqa: TRY004  # as `json.loads` says of what is none
    return json.dumps(_without(document, subject), ensure_ascii=False).encode()


def _without(value: Any, subject: Subject) -> Any:
    if isinstance(value, str):
        return ERASED_TEXT if subject.says(value.encode("utf-8", "surrogatepass")) else value
    if isinstance(value, list):
        return [_without(member, subject) for member in value]
    if not isinstance(value, dict):
        return value
    names = (each for each in value.values() if isinstance(each, str))
    if any(each.lower() in subject.ids for each in names):
        return {ERASED_KEY: True}
    return {key: _without(member, subject) for key, member in value.items()}
