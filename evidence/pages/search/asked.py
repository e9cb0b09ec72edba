"""What somebody typed into the search over everything, read: words, how an id or a digest begins, a number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from evidence.search_terms import fault_in_length
from evidence.worded import Worded

_OF_A_DIGEST: Final = "sha256:"
_LEAST: Final = 8  # hexadecimal characters that are looked for as the beginning of an id or a digest
_HEXADECIMAL: Final = re.compile(rf"[0-9a-f]{{{_LEAST},64}}\Z")
_NUMBER: Final = re.compile(r"#?([0-9]{1,18})\Z")
_WHOLE: Final = (32, 64)  # characters of a trace id, and of a digest


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed."""

    text: str  # without spaces around it
    digits: str = ""  # how an id or a digest begins, in small letters and without hyphens; empty: it is none
    number: int | None = None  # of a record

    @property
    def term(self) -> str:
        """What lists are searched for."""
        return self.digits if self.digits and self.text.lower().startswith(_OF_A_DIGEST) else self.text

    @property
    def is_whole_id(self) -> bool:
        """Whether it can name one thing alone."""
        return len(self.digits) in _WHOLE

    @property
    def is_one_record(self) -> bool:
        """Whether a record is asked for by its number, as #12, and nothing else."""
        return self.number is not None and self.text.startswith("#")

    @property
    def fault(self) -> Worded | None:
        """Why nothing is looked for; None: something is."""
        return fault_in_length(self.text)


def read_asked(typed: str) -> Asked:
    """Read what was typed. A digest may begin with what says that it is one, `sha256:`."""
    text = typed.strip()
    digits = text.lower().removeprefix(_OF_A_DIGEST).replace("-", "")
    number = _NUMBER.match(text)
    return Asked(text, digits if _HEXADECIMAL.match(digits) else "", int(number[1]) if number else None)
