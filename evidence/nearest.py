"""The known name closest to one that nobody knows: what an error suggests. Django-free."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rapidfuzz import process

from evidence.worded import Worded, worded

MISSPELT: Final = 60  # per cent alike: less is another name
_READ: Final = 200  # characters of the unknown name that are compared: a longer one is no misspelling


def nearest_name(written: str, known: Iterable[str], *, alike: int = 0) -> str | None:
    """Return the known name most like the one written; None where none is at least so much `alike`, in per cent."""
    nearest = process.extractOne(written[:_READ], sorted(known), score_cutoff=alike)
    return str(nearest[0]) if nearest else None


def hint_at(nearest: str | None, *, ends: bool = False) -> Worded:
    """Return the half of an error's sentence that names what was meant.

    Args:
        ends: whether it is the end of a sentence, stop included; a fault of a field has none.
    """
    if not nearest:
        return worded("none is taken here.") if ends else worded("none is taken here")
    return worded("did you mean %(nearest)s?", nearest=repr(nearest))
