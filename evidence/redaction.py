"""A file without what it says of one trace: what is left of everybody else's stays as it was. Free of Django.

Files that hold copies of what traces said come in any format. In JSON, also by lines, inside an archive or compressed,
the innermost object or list that names the trace goes, and so does each text that holds words of it; what inside such
an object names another trace stays. All else is copied byte for byte. In anything but JSON the words themselves are
overwritten. A file that would still name the trace or hold its words is refused, and then it has to go as a whole.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html.entities import codepoint2name
from typing import Final
from uuid import UUID

from evidence.erased import ERASED_TEXT
from evidence.json_cut import NotJson, cut_json
from evidence.unpacking import Member, members_of, pack, read_text, texts_of

_ID: Final = re.compile(
    r"(?<![0-9a-f])[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}(?![0-9a-f])"
)
_REFERENCE: Final = re.compile(r"[\w:/.?&=#%+~@-]+", re.ASCII)  # an address or a key, in contrast to a text
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_SHORT: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_LAYERS: Final = 3  # escapes inside each other: JSON in JSON in XML


class Unredactable(Exception):
    """The file would still hold what should be gone."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a file is searched for: a trace, and texts that only it holds."""

    trace_id: UUID
    words: Sequence[str] = ()
    others: frozenset[str] = frozenset()  # other traces that are known, as 32 hexadecimal characters

    @property
    def ids(self) -> frozenset[str]:
        """The trace id as it is written, in lower case."""
        return frozenset({self.trace_id.hex, str(self.trace_id)})

    @property
    def shortest(self) -> int:
        """Characters below which nothing can be the trace's: its id, or the shortest of its words."""
        return min(32, *map(len, self.words)) if self.words else 32

    def is_in(self, data: bytes) -> bool:
        """Whether a file names the trace or holds its words, however these are packed and escaped."""
        return any(self.reads(text) for text in texts_of(data))

    def says(self, data: bytes) -> bool:
        """Whether a file holds words of the trace."""
        return any(self.speaks(text) for text in texts_of(data))

    def reads(self, text: str) -> bool:
        """Whether a text names the trace or holds its words."""
        return any(self._names(reading) or self._has_words(reading) for reading in readings(text))

    def speaks(self, text: str) -> bool:
        """Whether a text holds words of the trace."""
        return any(self._has_words(reading) for reading in readings(text))

    def is_named_by(self, text: str) -> bool:
        """Whether a text is the trace's id, or an address or key with it: not a sentence that mentions it."""
        return self._names(text) and _REFERENCE.fullmatch(text.strip()) is not None

    def is_of_another(self, text: str) -> bool:
        """Whether a text is the id of another trace, or an address or key with one."""
        if not self.others or len(text) < 32 or not _REFERENCE.fullmatch(text.strip()):
            return False
        return not self.others.isdisjoint(find_ids(text))

    def _names(self, text: str) -> bool:
        lower = text.lower()
        return any(name in lower for name in self.ids)

    def _has_words(self, text: str) -> bool:
        return any(word in text for word in self.words)


def find_ids(text: str) -> set[str]:
    """Return what looks like the id of a trace, as 32 lower-case hexadecimal characters."""
    return {found[0].replace("-", "") for found in _ID.finditer(text.lower())}


def redact(data: bytes, subject: Subject) -> bytes:
    """Return a file without what it says of a trace.

    Raises:
        Unredactable: the file cannot be taken apart.
    """
    members = members_of(data)
    left = _redact_text(data, subject) if members is None else pack(data, _redact_members(members, subject))
    if left == data or subject.is_in(left):
        raise Unredactable
    return left


def readings(text: str) -> Iterator[str]:
    """Yield a text as it stands, and as it reads with its escapes undone: those of JSON, and those of XML and HTML."""
    seen = [text]
    yield text
    layer = [text]
    for _ in range(_LAYERS):
        further = [undo(each) for each in layer for undo in (_undo_json, _undo_markup)]
        layer = [each for each in dict.fromkeys(further) if each not in seen]
        seen += layer
        yield from layer


def _undo_json(text: str) -> str:
    if "\\" not in text:
        return text
    plain = _ESCAPE.sub(_unescape, text)
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")  # joins pairs


def _unescape(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else _SHORT.get(found[2], found[2])


def _undo_markup(text: str) -> str:
    return html.unescape(text) if "&" in text else text


def _redact_members(members: list[Member], subject: Subject) -> list[Member]:
    kept = []
    for member in members:
        if subject.reads(member.name):
            continue  # a file that is named after the trace is the trace's
        data = redact(member.data, subject) if subject.is_in(member.data) else member.data
        kept.append(Member(member.name, data, member.info))
    return kept


def _redact_text(data: bytes, subject: Subject) -> bytes:
    read = read_text(data)
    try:
        return read.encode(cut_json(read.text, subject))
    except NotJson:
        lines = re.findall(r"[^\n]*\n|[^\n]+", read.text)
        left = "".join(_redact_line(line, subject) for line in lines)
        return read.encode(_overwrite(left, subject))


def _redact_line(line: str, subject: Subject) -> str:
    if not subject.reads(line):
        return line
    try:
        return cut_json(line, subject)
    except NotJson:
        if any(name in line.lower() for name in subject.ids):
            raise Unredactable from None  # nobody can tell how far what it says of the trace goes
        return line


def _overwrite(text: str, subject: Subject) -> str:
    """Overwrite the words where they stand, however they are escaped."""
    for word in sorted(subject.words, key=len, reverse=True):
        text = text.replace(word, ERASED_TEXT)
        if Subject(subject.trace_id, [word]).speaks(text):
            text = _pattern_of(word).sub(ERASED_TEXT, text)
    return text


def _pattern_of(word: str) -> re.Pattern[str]:
    return re.compile("".join(_spellings(char) for char in word))


def _spellings(char: str) -> str:
    """Return a pattern for the ways in which text, JSON, JSON inside JSON, XML and HTML write a character."""
    code = ord(char)
    units = char.encode("utf-16-be", "surrogatepass")
    escaped = "".join(rf"\\+u(?i:{units[at : at + 2].hex()})" for at in range(0, len(units), 2))
    ways = [re.escape(char), escaped, f"&#0*{code};", f"&#[xX]0*(?i:{code:x});"]
    ways += [rf"\\+{short}" for short, meant in _SHORT.items() if meant == char]
    if char in '"\\/':
        ways.append(r"\\+" + re.escape(char))
    if name := {39: "apos"}.get(code) or codepoint2name.get(code):
        ways.append(f"&{name};")
    return f"(?:{'|'.join(ways)})"
