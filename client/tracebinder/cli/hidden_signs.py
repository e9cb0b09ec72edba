"""Characters that nobody sees, shown as marks: a terminal obeys some of them, and others turn or hide what is read.

Which ones, and why: `evidence/hidden_signs.py` of the server, which says the same; the client stands alone. What a CI
reads as a command in a log (`::error::`, `##vso[…]`) is kept from being one: samples and problems are others' texts.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, Final, TextIO

_RANGES: Final = (
    (0x0000, 0x0008), (0x000B, 0x000C), (0x000E, 0x001F), (0x007F, 0x009F),  # controls; terminals obey some
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x2028, 0x202E), (0x2060, 0x206F),  # zero width, and of both directions
    (0x2800, 0x2800), (0x3164, 0x3164), (0xFE00, 0xFE0D), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF9, 0xFFFB),
    (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE007F), (0xE0100, 0xE01EF),
)  # fmt: skip
HIDDEN: Final = re.compile(
    "[" + "".join(re.escape(chr(first)) + "-" + re.escape(chr(last)) for first, last in _RANGES) + "]"
)


_COMMANDS: Final = re.compile(r"(?m)^(\s*):(?=:)|#(?=#[\w-]*\[)")  # of GitHub and Azure; TeamCity's likewise


class MarkedStream:
    """A stream that writes marks in place of them.

    Attributes:
        unmarked: the stream itself, for what the client has made safe and then coloured.
    """

    def __init__(self, stream: TextIO) -> None:
        self.unmarked = stream
        self._at_start = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unmarked, name)

    def write(self, text: str) -> int:
        """Write a text as a person is to see it: what returns to the begin of a line would write over it."""
        # a line that has begun is told apart by a character, which is not written
        told = without_commands(text) if self._at_start else without_commands(f"-{text}")[1:]
        self._at_start = text.endswith("\n") if text else self._at_start
        return self.unmarked.write(show_hidden(told).replace("\r", "⟦U+000D⟧"))


@contextmanager
def marked_output() -> Iterator[None]:
    """Have all that is printed in the block marked."""
    out: Any = MarkedStream(sys.stdout)
    err: Any = MarkedStream(sys.stderr)
    with redirect_stdout(out), redirect_stderr(err):
        yield


def show_hidden(text: str) -> str:
    """Return a text with a mark in place of each character that nobody sees."""
    return HIDDEN.sub(lambda found: f"⟦U+{ord(found[0]):04X}⟧", text)


def without_commands(text: str) -> str:
    """Return a text in which no CI finds a command: its first sign is set apart."""
    return _COMMANDS.sub(lambda found: f"{found[0]} ", text)


def json_text(value: object) -> str:
    """Return a value as JSON for people and programs: what nobody sees is escaped, so that it reads back the same.

    So is what a CI would read as a command, and everything beyond ASCII where the output cannot take it.
    """
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("_", "-")
    text = json.dumps(value, ensure_ascii=encoding not in {"utf-8", "utf8"}, indent=2)
    text = re.sub(r"##(?=[\w-]*\[)", r"\\u0023\\u0023", text)
    return HIDDEN.sub(lambda found: json.dumps(found[0])[1:-1], text)
