"""How many of a thing one trace may say. What says more is read no further: reading it would cost others their time."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Final

from evidence.semconv.draft import TraceDraft

# The parts of a trace that are lists of whatever length a sender chose; each is a field of the draft but `citations`.
PARTS: Final = (
    "claims", "citations", "retrievals", "policy_checks", "tool_calls", "confidence_factors", "limitations",
    "versions", "flags",
)  # fmt: skip


class TooManyParts(Exception):
    """A trace has more of something than it may have."""

    def __init__(self, part: str, count: int, most: int) -> None:
        super().__init__(f"{count} {part}, of which it may have {most}")
        self.part, self.count, self.most = part, count, most


def check_part(part: str, count: int, limits: Mapping[str, int]) -> None:
    """See that a trace has no more of a part than the limits allow; a part without a limit has none.

    Raises:
        TooManyParts: it has more.
    """
    most = limits.get(part, count)
    if count > most:
        raise TooManyParts(part, count, most)


def check_declared(claims: list[object], limits: Mapping[str, int]) -> None:
    """See that claims as sent are not too many, nor their citations, before each is looked for in the answer.

    Raises:
        TooManyParts: they are.
    """
    check_part("claims", len(claims), limits)
    cited = (claim.get("citations") for claim in claims if isinstance(claim, Mapping))
    check_part("citations", sum(len(each) for each in cited if isinstance(each, list)), limits)


def check_parts(draft: TraceDraft, limits: Mapping[str, int]) -> None:
    """See that a draft has no more of any part than the limits allow.

    Raises:
        TooManyParts: it has more.
    """
    check_part("citations", sum(len(claim.citations) for claim in draft.claims), limits)
    for part in PARTS:
        found: Sized = getattr(draft, part, ())
        check_part(part, len(found), limits)
