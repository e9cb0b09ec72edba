"""The tab of what was retrieved: each document with its rank and score, of which index version, and who cites it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from evidence.access import visible_to
from evidence.admin.review.answer import CitationCard
from evidence.models import Retrieval, SourceDocument
from evidence.pages.review_desk.address import DOCUMENT, Tab, read_number
from evidence.pages.review_desk.looking import Looking
from evidence.pages.review_desk.source import Source, place_in, show_document

_MOST: Final = 100  # documents that are listed
_MOST_SENT: Final = 20_000  # characters of what was sent in place of a document


@dataclass(frozen=True, slots=True)
class Found:
    """A document that was retrieved, as it is listed."""

    retrieval: Retrieval
    rank: int  # from 1
    cited_by: Sequence[int]  # numbers of claims
    address: str  # with its text open
    is_open: bool


def retrieved_context(looking: Looking) -> dict[str, Any]:
    """Return what was retrieved in the order of searches and ranks, and the text of the one that is open."""
    in_order = looking.trace.retrievals.order_by("span_id", "rank", "pk")
    with_index = in_order.select_related("document__index_version__artefact").defer("document__text")
    rows = list(with_index[: _MOST + 1])
    opened = read_number(looking.request, DOCUMENT)
    found = [
        Found(
            retrieval,
            retrieval.rank + 1,
            sorted({card.number for card, citation in looking.citations if _is_of(citation, retrieval)}),
            looking.address(tab=Tab.RETRIEVED, document=number),
            number == opened,
        )
        for number, retrieval in enumerate(rows[:_MOST], start=1)
    ]
    chosen = next((one.retrieval for one in found if one.is_open), None)
    return {
        "found": found,
        "has_more": len(rows) > _MOST,
        "not_retrieved": _not_among(rows, looking),
        "opened": chosen,
        "source": _open(chosen, looking),
        "sent": (chosen.text or "")[:_MOST_SENT] if chosen is not None else "",
    }


def _is_of(card: CitationCard, retrieval: Retrieval) -> bool:
    """Whether a citation names the document that was retrieved."""
    citation = card.citation
    if retrieval.document_id is not None and citation.document_id is not None:
        return citation.document_id == retrieval.document_id
    return bool(retrieval.document_ref) and citation.document_ref == retrieval.document_ref


def _not_among(rows: Sequence[Retrieval], looking: Looking) -> list[str]:
    """Return what is cited though it was not retrieved, each once."""
    cited = [card for _, card in looking.citations]
    missing = [card.citation.document_ref for card in cited if not any(_is_of(card, row) for row in rows)]
    return list(dict.fromkeys(missing))


def _open(retrieval: Retrieval | None, looking: Looking) -> Source | None:
    """Return the document of a retrieval, at the place of the first quote from it."""
    if retrieval is None or retrieval.document_id is None:
        return None
    rows = SourceDocument.objects.filter(pk=retrieval.document_id)
    document = visible_to(rows, looking.principal).first()
    if document is None:
        return None
    places = [place_in(card) for _, card in looking.citations if _document_of(card) == document.pk]
    return show_document(document, next((place for place in places if place != (0, 0)), (0, 0)))


def _document_of(card: CitationCard) -> int | None:
    """Return the key of the document in which the place of a citation lies."""
    return card.citation.found_in_id or card.citation.document_id
