"""Reading citations: which count as found, and where quote and nearest passage differ."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet

from evidence.citations.difference import Run, diff_words
from evidence.citations.verdict import FOUND
from evidence.erased import ERASED_TEXT
from evidence.models import Citation


def citations_of_claims() -> Prefetch[str, QuerySet[Citation], str]:
    """Return how claims get their citations, in order, each with the document it was found in but for its text."""
    found = Citation.objects.select_related("found_in").defer("found_in__text")
    return Prefetch("citations", found.order_by("ordinal"))


def is_found(citation: Citation) -> bool:
    """Return whether the quote stands in the document it names."""
    return citation.verdict in FOUND


def differences_in(citation: Citation) -> tuple[Run, ...]:
    """Return quote and nearest passage word by word; nothing where there is no such passage, or not any more."""
    if citation.nearest_text is None or ERASED_TEXT in (citation.nearest_text, citation.quote):
        return ()
    return diff_words(citation.quote, citation.nearest_text)
