"""A file of JSON lines, one at a time and each within a limit: a line that cannot be read costs itself alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from evidence.evals.foreign.json_reader import codec_of, make_decoder

MAX_LINE: Final = 64 * 2**20  # bytes
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its value, or why it has none."""

    number: int  # from 1
    value: Any
    fault: str | None = None


def read_lines(stream: BinaryIO) -> Iterator[Line]:
    """Yield the lines that are not empty."""
    decoder, number = make_decoder(), 0
    while raw := stream.readline(MAX_LINE + 1):
        number += 1
        if number == 1:
            if codec_of(raw) != "utf-8-sig":
                yield Line(number, None, "is not UTF-8: write the file as UTF-8")
                return
            raw = raw.removeprefix(_BOM)
        if len(raw) > MAX_LINE:
            _skip_line(stream)
            yield Line(number, None, f"is longer than {MAX_LINE:,} bytes")
        elif raw.strip():
            yield _read(number, raw, decoder)


def _read(number: int, raw: bytes, decoder: json.JSONDecoder) -> Line:
    try:
        return Line(number, decoder.decode(raw.decode()))
    except UnicodeDecodeError as exc:
        return Line(number, None, f"is not UTF-8: its byte {exc.start} cannot be decoded")
    except json.JSONDecodeError as exc:
        return Line(number, None, f"is not JSON at its character {exc.pos}: {exc.msg}")
    except RecursionError:
        return Line(number, None, "is nested too deeply")


def _skip_line(stream: BinaryIO) -> None:
    while piece := stream.readline(MAX_LINE):
        if piece.endswith(b"\n"):
            return
