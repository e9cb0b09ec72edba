"""JSON as runners write it: with NaN, with numbers beyond any float, as a shell of Windows encodes it.

What a value cannot be kept as it was for is kept with it, so that it costs its own sample and not the file.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from evidence.evals.contracts import AS_UTF8, EvalFileError
from evidence.evals.json_stream import JsonStream

MAX_DEPTH: Final = 60  # levels of nesting inside one value

_LONGEST_NUMBER: Final = 400  # digits: beyond it no float can hold it, and reading it would take long
_CODECS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class NotANumber(str):
    """NaN, Infinity or a number of too many digits, as the text that it was."""

    __slots__ = ()


class RepeatedKeys(dict[str, Any]):
    """An object whose text had one key twice: only the last value is left in it."""


class JsonReader(JsonStream):
    """The values of one JSON file, read in order."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        """Read a text in the encoding that its first bytes say, which is UTF-8 where they say none.

        Args:
            name: what the text is called in errors.
        """
        head = stream.read(4)
        super().__init__(stream, name, decoder=make_decoder(), codec=codec_of(head))
        try:
            self._text = self._decode.decode(head)
        except UnicodeDecodeError as exc:
            raise EvalFileError(
                [f"{name}: is not UTF-8: byte {exc.start} cannot be decoded; {AS_UTF8}"]
            ) from exc

    def values(self) -> Iterator[Any]:
        """Yield the values of the list that comes next; what is no list is passed over."""
        if not self.next_is("["):
            self.skip()
            return
        for _ in self.items():
            yield self.take()

    def fields(self) -> Iterator[str]:
        """Yield the keys of the object that comes next, as `members`; what is no object is passed over."""
        if self.next_is("{"):
            yield from self.members()
        else:
            self.skip()


def make_decoder() -> json.JSONDecoder:
    """Return what reads one value, and marks what it could not keep as it was."""
    return json.JSONDecoder(
        object_pairs_hook=_object, parse_constant=NotANumber, parse_int=_whole, strict=False
    )


def codec_of(head: bytes) -> str:
    """Return how a text is encoded, as its first bytes say."""
    return next((codec for mark, codec in _CODECS if head.startswith(mark)), "utf-8-sig")


def fault_of(value: object) -> str | None:
    """Return why a value that should be an object cannot be taken for what its text was; None where it can."""
    if not isinstance(value, dict):
        return "is not a JSON object"
    stack: list[tuple[Any, int]] = [(value, 0)]
    while stack:
        one, depth = stack.pop()
        if isinstance(one, RepeatedKeys):
            return "has a key twice: one of its two values would be lost"
        for child in one.values() if isinstance(one, dict) else one:
            if isinstance(child, dict | list):
                if depth >= MAX_DEPTH:
                    return f"is nested more than {MAX_DEPTH} levels deep"
                stack.append((child, depth + 1))
    return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    return value if len(value) == len(pairs) else RepeatedKeys(value)


def _whole(digits: str) -> int | NotANumber:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else NotANumber(digits[:_LONGEST_NUMBER])
