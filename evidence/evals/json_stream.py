"""JSON read a value at a time, so that a file may be larger than memory. Free of Django.

Runners write `NaN` and `Infinity`, which Python's decoder reads as numbers. What nobody asks for is passed over without
being built: of an eval log most is events.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Collection, Iterator
from typing import BinaryIO, Final

from evidence.evals.contracts import AS_UTF8, CUT_SHORT, EvalFileError

LARGEST: Final = 64 * 2**20  # characters of one value that is built
_PIECE: Final = 64 * 1024  # bytes read at once
_NEAR_END: Final = 32  # characters: an error as near to what was read is that more has to be read
_SPACE: Final = re.compile(r"[ \t\n\r]*+")
# A whole text, a bracket, or the beginning of a text that is not there as a whole yet.
_MARK: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[{]|[\]}]|"', re.DOTALL)
_OF_A_SCALAR: Final = re.compile(r"[^,\]}\s]*+")
_decoder: Final = json.JSONDecoder(strict=False)


class JsonStream:
    """The values of one JSON text, read in order."""

    def __init__(
        self, stream: BinaryIO, name: str, *, decoder: json.JSONDecoder = _decoder, codec: str = "utf-8-sig"
    ) -> None:
        """Read a text.

        Args:
            name: what the text is called in errors.
            decoder: what builds a value.
        """
        self._stream, self._name, self._decoder = stream, name, decoder
        self._decode = codecs.getincrementaldecoder(codec)()
        self._text, self._at, self._passed, self._ended = "", 0, 0, False

    def members(self) -> Iterator[str]:
        """Yield each key of the object that begins here. Take or skip its value before asking for the next.

        Raises:
            EvalFileError: it is no object, or no JSON.
        """
        yield from self._items("{", "}")

    def items(self) -> Iterator[None]:
        """Yield for each item of the list that begins here; as `members`."""
        for _ in self._items("[", "]"):
            yield None

    def next_is(self, character: str) -> bool:
        """Whether the next value begins so."""
        return self._peek() == character

    def take(self) -> object:
        """Return the next value, built.

        Raises:
            EvalFileError: it is no JSON, or too large.
        """
        self._peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as exc:
                cut_short = exc.msg.startswith("Unterminated") or exc.pos >= len(self._text) - _NEAR_END
                if self._ended or not cut_short:
                    raise self._no_json(exc.pos) from exc
            except RecursionError as exc:
                raise EvalFileError(
                    [f"{self._name}: is nested too deeply to be an eval file: post what the runner wrote"]
                ) from exc
            except ValueError as exc:  # an integer of more digits than Python reads
                raise EvalFileError([f"{self._name}: {exc}"]) from exc
            else:
                if self._ended or end < len(self._text):
                    self._at = end
                    return value
            self._read_more()

    def take_members(self, wanted: Collection[str]) -> dict[str, object]:
        """Return the object that begins here, with these members only; the others are never built."""
        found = {}
        for key in self.members():
            if key in wanted:
                found[key] = self.take()
            else:
                self.skip()
        return found

    def skip(self) -> None:
        """Pass over the next value."""
        if self._peek() not in '{["':
            self._skip_scalar()
            return
        depth = 0
        while True:
            for found in _MARK.finditer(self._text, self._at):
                mark = found.group()
                if mark == '"' and found.end() - found.start() == 1:
                    self._at = found.start()
                    break
                self._at = found.end()
                depth += 1 if mark in {"{", "["} else -1 if mark in {"}", "]"} else 0
                if depth <= 0:
                    return
            else:
                self._at = len(self._text)
            if self._ended:
                raise self._no_json(self._at)
            self._read_more()

    def check_end(self) -> None:
        """See that nothing but space is left.

        Raises:
            EvalFileError: something is.
        """
        if self._peek(at_end=True):
            raise self._no_json(self._at)

    def _items(self, opening: str, closing: str) -> Iterator[str]:
        self._expect(opening)
        if self._peek() == closing:
            self._at += 1
            return
        while True:
            key = ""
            if opening == "{":
                if self._peek() != '"':
                    raise self._no_json(self._at)
                key = str(self.take())
                self._expect(":")
            yield key
            if self._peek() == closing:
                self._at += 1
                return
            self._expect(",")

    def _expect(self, character: str) -> None:
        if self._peek() != character:
            raise self._no_json(self._at)
        self._at += 1

    def _peek(self, *, at_end: bool = False) -> str:
        """Return the next character that is no space, without taking it; empty at the end, where that may be."""
        while True:
            space = _SPACE.match(self._text, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if self._ended:
                if at_end:
                    return ""
                raise self._no_json(self._at)
            self._read_more()

    def _skip_scalar(self) -> None:
        while True:
            found = _OF_A_SCALAR.match(self._text, self._at)
            end = found.end() if found else self._at
            if end < len(self._text) or self._ended:
                if end == self._at:
                    raise self._no_json(end)
                self._at = end
                return
            self._read_more()

    def _read_more(self) -> None:
        """Read as much again as waits to be used, so that what has to be read again and again is read a few times."""
        waiting = len(self._text) - self._at
        if waiting > LARGEST:
            raise EvalFileError([f"{self._name}: one value in it is longer than {LARGEST:,} characters"])
        data = self._stream.read(max(_PIECE, waiting))
        try:
            more = self._decode.decode(data, not data)
        except UnicodeDecodeError as exc:
            raise EvalFileError([f"{self._name}: is not UTF-8; {AS_UTF8}"]) from exc
        self._passed += self._at
        self._text, self._at, self._ended = self._text[self._at :] + more, 0, not data

    def _no_json(self, at: int) -> EvalFileError:
        return EvalFileError([f"{self._name}: not JSON at character {self._passed + at:,}; {CUT_SHORT}"])
