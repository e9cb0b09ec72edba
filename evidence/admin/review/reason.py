"""Why a reviewer decided so, in the words of the list that they chose from."""

from __future__ import annotations

from typing import Final

from django.utils.translation import get_language

from evidence.admin.frame.words import in_words
from evidence.models import Review
from evidence.selectors.review_reasons import read_list

# What a query of reviews joins for `reason_in_words`.
REASON_JOINS: Final = ("reasons_version",)


def reason_in_words(review: Review) -> str:
    """Return the kind of the reason, and the words of the system's own where one was given; empty where none was."""
    kind = str(in_words(review.reason_code))
    if review.reasons_version is None:
        return kind
    own = read_list(review.reasons_version).find(review.reason)
    words = own.in_language(get_language() or "en") if own is not None else str(in_words(review.reason))
    return f"{kind}: {words}"
