"""An answer cut at its claims, and each citation's quote in its place: what the reviewer's page lays side by side."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import F, IntegerField, QuerySet, Value
from django.db.models.functions import Coalesce, Greatest, Substr

from evidence.admin.frame.display import BAD, GOOD, PLAIN, WARN, tone_of
from evidence.citations.difference import Run
from evidence.citations.verdict import Reason
from evidence.claim_words import say_standing, say_why, show_score
from evidence.models import Citation, Claim, SourceDocument, Trace
from evidence.selectors.citations import differences_in, is_found

CONTEXT: Final = 220  # code points of the document shown on each side of a quote
LONGEST_QUOTE: Final = 2_000  # code points of a found place that are shown
_HALF: Final = 0.5  # alignment; below it a quote and the nearest passage have little in common
_NEAR: Final = frozenset(
    {Reason.ALIGNED, Reason.NUMBER_DIFFERS, Reason.NEGATION_DIFFERS, Reason.WORD_DIFFERS, Reason.CUTS_A_WORD}
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of the answer that the same claims cover."""

    text: str
    claims: tuple[ClaimCard, ...]
    ends: tuple[ClaimCard, ...]  # those that end with this piece; their numbers stand here

    @property
    def tone(self) -> str:
        """The worst of its claims, or nothing."""
        order = [BAD, WARN, GOOD, PLAIN]
        return min((claim.tone for claim in self.claims), key=order.index, default="")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a quote stands: the text before it, the text found, the text after it."""

    document: SourceDocument
    before: str
    found: str
    after: str
    cut_before: bool


@dataclass(frozen=True, slots=True)
class CitationCard:
    """A citation as the reviewer sees it."""

    citation: Citation
    place: Place | None

    @property
    def is_found(self) -> bool:
        """Whether the quote was found where the answer says."""
        return is_found(self.citation)

    @property
    def must_say_why(self) -> bool:
        """Whether the verdict alone leaves a question, as it does not where the quote stands as it is."""
        reason = self.citation.reason
        return not self.is_found if reason is None else reason != Reason.SAME_WORDS

    @property
    def why(self) -> str:
        """Why the verdict is what it is, in words."""
        return say_why(self.citation)

    @property
    def alignment(self) -> str:
        """How far quote and passage agree, of 1."""
        return show_score(self.citation.score)

    @property
    def is_near(self) -> bool:
        """Whether the nearest passage says much the same; otherwise nearly every word of it differs."""
        reason = self.citation.reason
        return reason in _NEAR or (reason == Reason.ALIGNMENT_TOO_LOW and self.citation.score >= _HALF)

    @property
    def differences(self) -> tuple[Run, ...]:
        """Quote and nearest passage, word by word; nothing where there is no such passage."""
        return differences_in(self.citation)


@dataclass(frozen=True, slots=True)
class ClaimCard:
    """A claim, its number for people (from 1), and its citations."""

    claim: Claim
    citations: tuple[CitationCard, ...]

    @property
    def number(self) -> int:
        """The claim's number, from 1."""
        return self.claim.ordinal + 1

    @property
    def n_found(self) -> int:
        """How many of its citations were found where the answer says."""
        return sum(card.is_found for card in self.citations)

    @property
    def failed(self) -> list[CitationCard]:
        """The citations that were not found where the answer says."""
        return [card for card in self.citations if not card.is_found]

    @property
    def standing(self) -> str:
        """Say in words how the claim is backed."""
        return say_standing(
            n_found=self.n_found, n_citations=len(self.citations), material=self.claim.material
        )

    @property
    def tone(self) -> str:
        """Return `good`, `warn`, `bad` or `plain`; a claim of which one citation failed is no good one."""
        found = {tone_of(card.citation.verdict) for card in self.citations if card.is_found}
        if found:
            return GOOD if GOOD in found and self.n_found == len(self.citations) else WARN
        if self.citations:
            return BAD
        return WARN if self.claim.material else PLAIN


def read_claims(trace: Trace) -> list[ClaimCard]:
    """Return the claims of a trace with their citations; the documents' texts are cut by the database."""
    by_claim: dict[int, list[CitationCard]] = {}
    for citation in _with_context(
        Citation.objects.filter(claim__trace=trace).order_by("claim_id", "ordinal")
    ):
        by_claim.setdefault(citation.claim_id, []).append(CitationCard(citation, _place_of(citation)))
    claims = Claim.objects.filter(trace=trace).order_by("ordinal")
    return [ClaimCard(claim, tuple(by_claim.get(claim.pk, ()))) for claim in claims]


def count_declared(cards: Sequence[ClaimCard]) -> int:
    """Count the claims that the application declared; the others were found by our extractor."""
    return sum(card.claim.origin == Claim.Origin.DECLARED for card in cards)


def cut_answer(answer: str, cards: Sequence[ClaimCard]) -> list[Piece]:
    """Cut an answer where claims begin and end, so that overlapping ones can each be marked.

    Claims that reach outside the answer are cut to it.
    """
    spans = {
        card.number: (min(card.claim.start, len(answer)), min(card.claim.end, len(answer))) for card in cards
    }
    edges = sorted({0, len(answer), *(edge for span in spans.values() for edge in span)})
    pieces = []
    for start, end in itertools.pairwise(edges):
        inside = tuple(
            card for card in cards if spans[card.number][0] <= start and end <= spans[card.number][1]
        )
        ends = tuple(card for card in inside if spans[card.number][1] == end)
        pieces.append(Piece(answer[start:end], inside, ends))
    return pieces


def _with_context(citations: QuerySet[Citation]) -> QuerySet[Any]:
    """Add `context`: the found place with its surroundings, so that no whole document is loaded."""
    first = Greatest(F("doc_start") - CONTEXT, Value(0))
    length = F("doc_end") - first + CONTEXT
    text = Coalesce("found_in__text", "document__text")
    return (
        citations.select_related("document__index_version__artefact", "found_in__index_version__artefact")
        .defer("document__text", "found_in__text")
        .annotate(context=Substr(text, first + 1, Greatest(length, Value(0), output_field=IntegerField())))
    )


def _place_of(citation: Any) -> Place | None:
    document = citation.found_in or citation.document
    if document is None or citation.doc_start is None or citation.doc_end is None or not citation.context:
        return None
    before = min(CONTEXT, citation.doc_start)
    width = citation.doc_end - citation.doc_start
    context = citation.context
    return Place(
        document=document,
        before=context[:before],
        found=context[before : before + min(width, LONGEST_QUOTE)],
        after=context[before + width :],
        cut_before=citation.doc_start > CONTEXT,
    )
