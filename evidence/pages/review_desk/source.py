"""What the middle pane shows: the claim that is looked at, what it cites, and the document around the quote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest

from evidence.admin.review.answer import CitationCard, ClaimCard
from evidence.citations.difference import Run, diff_words
from evidence.erased import ERASED_TEXT
from evidence.models import SourceDocument
from evidence.pages.review_desk.address import CITATION, CLAIM
from evidence.pages.review_desk.looking import Looking

_WINDOW: Final = 200_000  # code points of a document that a page shows around the quote


@dataclass(frozen=True, slots=True)
class Source:
    """A document as far as it is shown, with the quote's place in it."""

    document: SourceDocument
    before: str
    found: str
    after: str
    is_cut: bool


def show_document(document: SourceDocument, place: tuple[int, int]) -> Source:
    """Return a document around a place in it, which is empty where there is none to be lit."""
    (start, end), text = place, document.text
    first, last = max(0, start - _WINDOW // 2), min(len(text), end + _WINDOW // 2)
    return Source(
        document, text[first:start], text[start:end], text[end:last], is_cut=first > 0 or last < len(text)
    )


def place_in(card: CitationCard) -> tuple[int, int]:
    """Return where a quote was found in its document, or the nearest passage; nothing at the start where neither is."""
    citation = card.citation
    if citation.doc_start is not None and citation.doc_end is not None:
        return citation.doc_start, citation.doc_end
    if citation.nearest_start is not None and citation.nearest_end is not None and card.is_near:
        return citation.nearest_start, citation.nearest_end
    return 0, 0


def chosen_claim(request: HttpRequest, cards: list[ClaimCard]) -> ClaimCard | None:
    """Return the claim that the address names, or the first that needs a look, or the first."""
    wanted = request.GET.get(CLAIM, "")
    named = [card for card in cards if str(card.number) == wanted]
    doubtful = [card for card in cards if card.failed]
    return next(iter([*named, *doubtful, *cards]), None)


def source_context(looking: Looking) -> dict[str, Any]:
    """Return the citation that is looked at, and its document."""
    claim = looking.claim
    if claim is None or not claim.citations:
        return {"citation": None, "source": None, "others": [], "as_found": ()}
    numbered = list(enumerate(claim.citations, start=1))
    wanted = looking.request.GET.get(CITATION, "")
    number, card = next((each for each in numbered if str(each[0]) == wanted), numbered[0])
    others = [(place, each, looking.address(citation=place)) for place, each in numbered if place != number]
    source = _source(card)
    return {"citation": card, "source": source, "others": others, "as_found": _as_found(card, source)}


def _source(card: CitationCard) -> Source | None:
    """Return the document of a citation with the place that was found in it, or with the nearest."""
    document = card.citation.found_in or card.citation.document
    return show_document(document, place_in(card)) if document is not None else None


def _as_found(card: CitationCard, source: Source | None) -> tuple[Run, ...]:
    """Return quote and found place word by word, where they are written differently and no nearest passage is kept."""
    quote = card.citation.quote
    is_found = card.citation.doc_start is not None and source is not None
    if not is_found or card.differences or source is None:
        return ()
    if quote == source.found or ERASED_TEXT in (quote, source.document.text):
        return ()
    return diff_words(quote, source.found, exact=True)
