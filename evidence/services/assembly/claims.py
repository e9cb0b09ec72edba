"""Claims and citations of one trace: declared ones as sent, otherwise extracted, and each citation checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from evidence.citations.claims import EXTRACTOR_VERSION, ExtractedClaim, extract_claims
from evidence.citations.cost import CheckBudget
from evidence.citations.materiality import is_material
from evidence.citations.verdict import FOUND, FUZZY_THRESHOLD, CitationVerdict, check_citation
from evidence.models import Citation, Claim, Trace
from evidence.semconv.draft import CitationDraft, ClaimDraft, RetrievalDraft, TraceDraft
from evidence.semconv.parts import check_part
from evidence.services.assembly.reasons import reason_columns
from evidence.services.assembly.refusals import part_limits
from evidence.services.assembly.sources import IndexShelf, StoredSource


@dataclass(frozen=True, slots=True)
class TraceIndexes:
    """The index versions a trace used: all of them in order, and those of each index by its key."""

    all: tuple[int, ...]
    by_key: Mapping[str, tuple[int, ...]]

    def meant_by(self, index_key: str) -> tuple[int, ...]:
        """Return the index versions a citation may mean: those of the index it names, or all if it names none."""
        return self.by_key.get(index_key, ()) if index_key else self.all


@dataclass(frozen=True, slots=True)
class CheckedCitation:
    """A citation with its verdict, before its claim has a primary key."""

    document_ref: str
    document_id: int | None
    document_digest: str  # empty where the document is unknown
    quote: str
    verdict: CitationVerdict
    found_in_id: int | None

    @property
    def found(self) -> bool:
        """Whether the quote stands in the document it names."""
        return self.verdict.verdict in FOUND


@dataclass(frozen=True, slots=True)
class CheckedClaim:
    """A claim with its checked citations."""

    exchange: int | None  # number; None where the trace has no turns
    text: str
    start: int
    end: int
    material: bool
    declared: bool
    citations: tuple[CheckedCitation, ...]


@dataclass(frozen=True, slots=True)
class _Stated:
    """A claim of an exchange, as declared or found in its answer."""

    exchange: int | None
    claim: ClaimDraft
    declared: bool


def check_claims(
    draft: TraceDraft, indexes: TraceIndexes, shelf: IndexShelf, checks: CheckBudget
) -> tuple[CheckedClaim, ...]:
    """Return the claims of each exchange of a trace with every citation checked.

    Where no usable claim is declared, claims are derived from the answer: an answer cannot escape its claims, unless
    it is no prose. Those that are declared are of the last exchange.

    Raises:
        CheckTooCostly: what is left is not enough for all of them.
        TooManyParts: more claims or citations were derived than a trace may have.
    """
    last = draft.exchanges[-1].number if draft.exchanges else None
    answers = {
        turn.number: turn.answer.text
        for turn in draft.exchanges
        if turn.answer_is_prose and not (draft.claims and turn.number == last)
    }
    declared = sum(len(claim.text) for claim in draft.claims)
    checks.charge_reading(sum(map(len, answers.values())) + declared)
    retrieved = dict.fromkeys(one.document_ref for one in draft.retrievals)
    candidates = shelf.candidates(indexes.all, retrieved)
    places = Places(draft.retrievals, n_answers=len(draft.exchanges))
    found = [
        _Stated(number, claim, declared=False)
        for number, answer in answers.items()
        for claim in derive_claims(answer, places, indexes, shelf)
    ]
    stated = [*found, *(_Stated(last, claim, declared=True) for claim in draft.claims)]
    limits = part_limits()
    check_part("claims", len(stated), limits)
    check_part("citations", sum(len(one.claim.citations) for one in stated), limits)
    return tuple(
        CheckedClaim(
            exchange=one.exchange,
            text=one.claim.text,
            start=one.claim.start,
            end=one.claim.end,
            material=is_material(one.claim.text) if one.claim.material is None else one.claim.material,
            declared=one.declared,
            citations=tuple(
                _check(citation, indexes, shelf, candidates, checks) for citation in one.claim.citations
            ),
        )
        for one in stated
    )


class Places:
    """Which document a mark such as `[2]` means where it is no document's id: the second one retrieved."""

    def __init__(self, retrievals: Sequence[RetrievalDraft], *, n_answers: int) -> None:
        """Number the documents in the order in which they were retrieved.

        Within one retrieval each has its place, be it without an id, and be it a part of the same document as another;
        a later one counts those that are new. Of several answers with several retrievals, which belongs to which is not
        told: then a number means none.
        """
        spans = {one.span_id for one in retrievals}
        self._refs: list[str] = []
        if n_answers > 1 and len(spans) > 1:
            return
        by_span: dict[str, list[str]] = {}
        for one in retrievals:
            by_span.setdefault(one.span_id, []).append(one.document_ref)
        for refs in by_span.values():
            known = set(self._refs)
            self._refs += [ref for ref in refs if not ref or ref not in known]

    def at(self, mark: str) -> str:
        """Return the id of the document at a place; the mark itself where that is no place, or one without an id."""
        number = int(mark) if mark.isascii() and mark.isdigit() and len(mark) < 4 else 0
        return (self._refs[number - 1] if 0 < number <= len(self._refs) else "") or mark


def derive_claims(
    answer: str, places: Places, indexes: TraceIndexes, shelf: IndexShelf
) -> tuple[ClaimDraft, ...]:
    """Return the claims found in an answer. A mark cites the passage its sentence quotes, else the sentence itself."""
    return tuple(
        ClaimDraft(
            text=claim.text,
            start=claim.start,
            end=claim.end,
            material=claim.material,
            citations=tuple(_cite(claim, ref) for ref in _documents_of(claim, places, indexes, shelf)),
        )
        for claim in extract_claims(answer)
    )


def build_claims(trace: Trace, claims: Iterable[CheckedClaim]) -> list[Claim]:
    """Return unsaved claim rows, in order."""
    return [
        Claim.unsaved(
            trace_id=trace.pk,
            ordinal=ordinal,
            exchange=claim.exchange,
            text=claim.text,
            start=claim.start,
            end=claim.end,
            material=claim.material,
            origin=Claim.Origin.DECLARED if claim.declared else Claim.Origin.DERIVED,
            extractor_version=EXTRACTOR_VERSION,
        )
        for ordinal, claim in enumerate(claims)
    ]


def build_citations(claim: Claim, citations: Iterable[CheckedCitation]) -> list[Citation]:
    """Return unsaved citation rows of a saved claim, in order."""
    return [
        Citation.unsaved(
            claim_id=claim.pk,
            ordinal=ordinal,
            document_ref=one.document_ref,
            document_id=one.document_id,
            quote=one.quote,
            verdict=one.verdict.verdict.value,
            score=one.verdict.score / 100,
            threshold=FUZZY_THRESHOLD / 100,
            doc_start=one.verdict.start,
            doc_end=one.verdict.end,
            found_in_id=one.found_in_id,
            **reason_columns(one.verdict),
            checker_version=one.verdict.checker_version,
            inputs_digest=one.verdict.inputs_digest,
        )
        for ordinal, one in enumerate(citations)
    ]


def _check(
    draft: CitationDraft,
    indexes: TraceIndexes,
    shelf: IndexShelf,
    candidates: Sequence[StoredSource],
    checks: CheckBudget,
) -> CheckedCitation:
    cited = shelf.find(indexes.meant_by(draft.index_key), draft.document_ref)
    verdict = check_citation(
        quote=draft.quote,
        source=cited.source if cited else None,
        candidates=[one.source for one in candidates],
        hint=draft.start,
        checks=checks,
    )
    found_in = next((one.pk for one in candidates if one.source.document_id == verdict.found_in), None)
    return CheckedCitation(
        document_ref=draft.document_ref,
        document_id=cited.pk if cited else None,
        document_digest=cited.source.digest if cited else "",
        quote=draft.quote,
        verdict=verdict,
        found_in_id=found_in,
    )


def _documents_of(
    claim: ExtractedClaim, places: Places, indexes: TraceIndexes, shelf: IndexShelf
) -> list[str]:
    """Return the documents a derived claim's marks mean.

    A document's id means that document, `[2]` otherwise the one at that place. A mark that is neither and has no digit
    (`[your name]`) is no citation.
    """
    documents = []
    for mark in claim.marks:
        is_known = shelf.find(indexes.all, mark.ref) is not None
        if is_known or any(char.isdigit() for char in mark.ref):
            documents.append(mark.ref if is_known else places.at(mark.ref))
    return list(dict.fromkeys(documents))


def _cite(claim: ExtractedClaim, document_ref: str) -> CitationDraft:
    return CitationDraft(document_ref, "", claim.quotes[0] if claim.quotes else claim.text, None)
