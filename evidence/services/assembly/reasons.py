"""What a citation's row keeps of why its verdict is what it is."""

from __future__ import annotations

from typing import Final, TypedDict

from evidence.citations.verdict import CitationVerdict, Reason

# Code points of the nearest passage that are kept: what stands in it may be one word as long as a document.
LONGEST_PASSAGE: Final = 10_000
# The quote itself stands at `doc_start`: a passage beside it says nothing more.
_SAYS_NO_MORE: Final = frozenset({Reason.SAME_WORDS, Reason.SAME_ONCE_NORMALISED})


class ReasonColumns(TypedDict):
    """Columns of `Citation`, by name."""

    reason: str
    reason_terms: list[str] | None
    nearest_start: int | None
    nearest_end: int | None
    nearest_text: str | None


def reason_columns(verdict: CitationVerdict) -> ReasonColumns:
    """Return what is stored of a verdict's reason, and compared when it is replayed."""
    nearest = None if verdict.reason in _SAYS_NO_MORE else verdict.nearest
    return {
        "reason": verdict.reason.value,
        "reason_terms": list(verdict.terms) or None,
        "nearest_start": nearest.start if nearest else None,
        "nearest_end": nearest.end if nearest else None,
        "nearest_text": nearest.text[:LONGEST_PASSAGE] if nearest else None,
    }
