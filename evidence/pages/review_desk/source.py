"""What the middle pane shows: the claim that is looked at, what it cites, and the document around the quote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest

from evidence.admin.review.answer import CitationCard, ClaimCard
from evidence.models import SourceDocument, Trace
from evidence.pages.review_desk.address import CITATION, CLAIM, address_of

_WINDOW: Final = 200_000  # code points of a document that a page shows around the quote


@dataclass(frozen=True, slots=True)
class Source:
    """A document as far as it is shown, with the quote's place in it."""

    document: SourceDocument
    before: str
    found: str
    after: str
    is_cut: bool


def chosen_claim(request: HttpRequest, cards: list[ClaimCard]) -> ClaimCard | None:
    """Return the claim that the address names, or the first that needs a look, or the first."""
    wanted = request.GET.get(CLAIM, "")
    named = [card for card in cards if str(card.number) == wanted]
    doubtful = [card for card in cards if card.failed]
    return next(iter([*named, *doubtful, *cards]), None)


def source_context(request: HttpRequest, trace: Trace, claim: ClaimCard | None) -> dict[str, Any]:
    """Return the citation that is looked at, and its document."""
    if claim is None or not claim.citations:
        return {"citation": None, "source": None, "others": []}
    numbered = list(enumerate(claim.citations, start=1))
    wanted = request.GET.get(CITATION, "")
    number, card = next((each for each in numbered if str(each[0]) == wanted), numbered[0])
    others = [
        (place, each, address_of(trace, claim=claim.number, citation=place))
        for place, each in numbered
        if place != number
    ]
    return {"citation": card, "source": _source(card), "others": others}


def _source(card: CitationCard) -> Source | None:
    """Return the document of a citation with the place that was found in it, or with the nearest."""
    citation = card.citation
    document = citation.found_in or citation.document
    if document is None:
        return None
    text = document.text
    start, end = _place(card)
    first, last = max(0, start - _WINDOW // 2), min(len(text), end + _WINDOW // 2)
    return Source(
        document, text[first:start], text[start:end], text[end:last], is_cut=first > 0 or last < len(text)
    )


def _place(card: CitationCard) -> tuple[int, int]:
    citation = card.citation
    if citation.doc_start is not None and citation.doc_end is not None:
        return citation.doc_start, citation.doc_end
    if citation.nearest_start is not None and citation.nearest_end is not None and card.is_near:
        return citation.nearest_start, citation.nearest_end
    return 0, 0
