"""Trace ids as people write them: 32 hexadecimal characters, the first few of them, or with hyphens as before."""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

from evidence.worded import worded

LENGTH: Final = 32  # hexadecimal characters
TRACE_ID_PATTERN: Final = "^[0-9a-f]{32}$"  # as each answer, search and link writes one
_PREFIX: Final = re.compile(r"[0-9a-f]{1,32}\Z")


class NoTraceId(ValueError):
    """A text can neither be a trace id nor its beginning."""


def bounds_of(beginning: str) -> tuple[UUID, UUID]:
    """Return the least and the greatest trace id that begin so; the same one where it is whole.

    Raises:
        NoTraceId: none does.
    """
    digits = beginning.strip().lower().replace("-", "")
    if not _PREFIX.match(digits):
        raise NoTraceId(
            worded(
                "%(given)s is no trace id, nor the beginning of one: 32 hexadecimal characters.",
                given=repr(beginning[:40]),
            )
        )
    return UUID(hex=digits.ljust(LENGTH, "0")), UUID(hex=digits.ljust(LENGTH, "f"))
