"""A JSON text without some of its parts, all others byte for byte as they were written. Free of Django.

It is read by offsets and never written again, so numbers keep their digits, doubled keys stay, and so does whatever a
reader of ours would have rounded or refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, Protocol

from evidence.erased import ERASED_KEY, ERASED_TEXT

_TOKEN: Final = re.compile(
    r'[ \t\r\n\ufeff]*+(?:("[^"\\]*+(?:\\.[^"\\]*+)*+")|([\[\]{},:])|([^\s\[\]{},:"]++))', re.DOTALL
)
_CLOSES: Final = {"{": "}", "[": "]"}
_STRING: Final = f'"{ERASED_TEXT}"'
_OBJECT: Final = f'{{"{ERASED_KEY}": true}}'
_MEMBER: Final = f'"{ERASED_KEY}": true'
_ID: Final = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
Edit = tuple[int, int, str]  # from, to, what stands there instead


class NotJson(Exception):
    """The text is no JSON object or list."""


class Judge(Protocol):
    """Says of a string whose it is."""

    @property
    def shortest(self) -> int:
        """Characters below which no string can be anybody's."""

    def is_named_by(self, text: str) -> bool:
        """Whether the object or list with this string in it is the subject's."""

    def is_of_another(self, text: str) -> bool:
        """Whether it is another's."""

    def reads(self, text: str) -> bool:
        """Whether the string itself says something of the subject."""


@dataclass(slots=True)
class _Part:
    """A member of an object, or an element of a list."""

    start: int  # of its key, where it has one
    end: int
    is_named: bool = False  # by its key
    child: _Holder | None = None
    key_edits: list[Edit] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)  # of its value


@dataclass(slots=True)
class _Holder:
    """An object or a list. Its parts are kept only where one around it may have to go without some of them."""

    start: int
    opener: str
    end: int = 0
    key: _Part | None = None  # of the member whose value comes next
    parts: list[_Part] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)  # where it is cut, if what is around it stays
    is_named: bool = False
    is_of_another: bool = False
    holds_another: bool = False  # somewhere inside it
    all_are_ids: bool = True  # of a list: each element stands for itself

    @property
    def stands_alone(self) -> bool:
        """Whether it is another's, and stays where what is around it goes."""
        return self.is_of_another and not self.is_named


def cut_json(text: str, judge: Judge) -> str:
    """Return a JSON text without what a judge says is the subject's.

    The innermost object or list that the subject is named in goes, but for objects and lists inside it that name
    another; of a list of nothing but ids, the id. A member goes whose key names the subject. A string goes that says
    something of the subject.

    Raises:
        NotJson: it is no JSON object or list, or one that nobody can read.
    """
    return _apply(text, _Cutter(text, judge).cut())


class _Expects(Enum):
    """What may come next."""

    VALUE = auto()
    VALUE_OR_CLOSE = auto()
    KEY = auto()
    KEY_OR_CLOSE = auto()
    COLON = auto()
    COMMA_OR_CLOSE = auto()
    NOTHING = auto()


_MAY_CLOSE: Final = {_Expects.VALUE_OR_CLOSE, _Expects.KEY_OR_CLOSE, _Expects.COMMA_OR_CLOSE}
_MAY_BE_VALUE: Final = {_Expects.VALUE, _Expects.VALUE_OR_CLOSE}
_MAY_BE_KEY: Final = {_Expects.KEY, _Expects.KEY_OR_CLOSE}


class _Cutter:
    """One pass over a text, from its first bracket to its last."""

    def __init__(self, text: str, judge: Judge) -> None:
        self._text = text
        self._judge = judge
        self._shortest = judge.shortest + 2  # with its quotes
        self._open: list[_Holder] = []
        self._expects = _Expects.VALUE

    def cut(self) -> list[Edit]:
        """Return where the text is to be cut, in order."""
        root = None
        for start, end in self._tokens():
            first = self._text[start]
            if first in _CLOSES and self._expects in _MAY_BE_VALUE:
                self._open.append(_Holder(start, first))
                root = root or self._open[0]
                self._expects = _Expects.KEY_OR_CLOSE if first == "{" else _Expects.VALUE_OR_CLOSE
            elif self._open and first == _CLOSES[self._open[-1].opener] and self._expects in _MAY_CLOSE:
                self._close(end)
            elif first == "," and self._expects is _Expects.COMMA_OR_CLOSE:
                self._expects = _Expects.KEY if self._open[-1].opener == "{" else _Expects.VALUE
            elif first == ":" and self._expects is _Expects.COLON:
                self._expects = _Expects.VALUE
            elif first == '"' and self._expects in _MAY_BE_KEY:
                self._take_key(start, end)
            elif first not in "{}[],:" and self._expects in _MAY_BE_VALUE and self._open:
                self._take_scalar(start, end)
            else:
                raise NotJson
        if root is None or self._expects is not _Expects.NOTHING:
            raise NotJson
        return root.edits

    def _tokens(self) -> Iterator[tuple[int, int]]:
        at, text, size = 0, self._text, len(self._text.rstrip())
        while at < size:
            found = _TOKEN.match(text, at)
            if found is None:
                raise NotJson
            at = found.end()
            yield found.start(found.lastindex or 0), at

    def _take_key(self, start: int, end: int) -> None:
        holder, part = self._open[-1], _Part(start, end)
        if end - start >= self._shortest:
            key = self._decode(start, end)
            part.is_named = self._judge.is_named_by(key)
            if part.is_named or self._judge.reads(key):
                part.key_edits.append((start, end, _STRING))
        holder.key = part
        self._expects = _Expects.COLON

    def _take_scalar(self, start: int, end: int) -> None:
        holder = self._open[-1]
        part = _begin_part(holder, start)
        part.end = end
        if self._text[start] == '"' and end - start >= self._shortest:
            self._judge_string(holder, part, start, end)
        else:
            holder.all_are_ids = False
        self._finish_part(holder, part)

    def _judge_string(self, holder: _Holder, part: _Part, start: int, end: int) -> None:
        said = self._decode(start, end)
        if self._judge.is_named_by(said):
            holder.is_named = True
            part.edits.append((start, end, _STRING))
        elif self._judge.reads(said):
            part.edits.append((start, end, _STRING))
        holder.is_of_another = holder.is_of_another or self._judge.is_of_another(said)
        holder.all_are_ids = holder.all_are_ids and _is_id(said)

    def _close(self, end: int) -> None:
        """Decide on a holder that is read, and hand what is known of it to the one around it."""
        holder = self._open.pop()
        holder.end = end
        if holder.is_named and not (holder.opener == "[" and holder.all_are_ids):
            holder.edits = _erase(holder)
        if not holder.holds_another:
            holder.parts = []
        if not self._open:
            self._expects = _Expects.NOTHING
            return
        around = self._open[-1]
        part = _begin_part(around, holder.start)
        part.end, part.child, part.edits = end, holder, holder.edits
        around.holds_another = around.holds_another or holder.holds_another or holder.stands_alone
        around.all_are_ids = False
        self._finish_part(around, part)

    def _finish_part(self, holder: _Holder, part: _Part) -> None:
        """Add a part to its holder; a member whose key names the subject goes, but for what is another's in it."""
        holder.parts.append(part)
        holder.edits += _erase_part(part, _MEMBER) if part.is_named else [*part.key_edits, *part.edits]
        self._expects = _Expects.COMMA_OR_CLOSE

    def _decode(self, start: int, end: int) -> str:
        raw = self._text[start:end]
        if "\\" not in raw:
            return raw[1:-1]
        try:
            return str(json.loads(raw, strict=False))
        except ValueError:
            raise NotJson from None


def _begin_part(holder: _Holder, start: int) -> _Part:
    part, holder.key = holder.key or _Part(start, start), None
    return part


def _erase(holder: _Holder) -> list[Edit]:
    """Return the edits that leave nothing of a holder but what inside it is another's."""
    if not holder.holds_another:
        return [(holder.start, holder.end, _OBJECT)]
    gone = _MEMBER if holder.opener == "{" else _STRING
    return [edit for part in holder.parts for edit in _erase_part(part, gone)]


def _erase_part(part: _Part, gone: str) -> list[Edit]:
    child = part.child
    if child is not None and child.stands_alone:
        return [*part.key_edits, *child.edits]
    if child is not None and child.holds_another:
        return [*part.key_edits, *_erase(child)]
    return [(part.start, part.end, gone)]


def _is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def _apply(text: str, edits: list[Edit]) -> str:
    pieces, at = [], 0
    for start, end, instead in edits:
        pieces += [text[at:start], instead]
        at = end
    return "".join([*pieces, text[at:]])
