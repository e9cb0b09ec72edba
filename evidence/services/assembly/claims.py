"""Claims and citations of one trace: declared ones as sent, otherwise extracted, and each citation checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from evidence.citations.claims import EXTRACTOR_VERSION, ExtractedClaim, extract_claims
from evidence.citations.cost import CheckBudget
from evidence.citations.materiality import is_material
from evidence.citations.verdict import FOUND, FUZZY_THRESHOLD, CitationVerdict, check_citation
from evidence.models import Citation, Claim, Trace
from evidence.semconv.draft import CitationDraft, ClaimDraft, TraceDraft
from evidence.semconv.parts import check_part
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

    text: str
    start: int
    end: int
    material: bool
    declared: bool
    citations: tuple[CheckedCitation, ...]


def check_claims(
    draft: TraceDraft, indexes: TraceIndexes, shelf: IndexShelf, checks: CheckBudget
) -> tuple[CheckedClaim, ...]:
    """Return the claims of a trace with every citation checked.

    Where no usable claim is declared, claims are derived from the answer: an answer cannot escape its claims.

    Raises:
        CheckTooCostly: what is left is not enough for all of them.
        TooManyParts: more claims or citations were derived than a trace may have.
    """
    checks.charge_reading(len(draft.answer) + sum(len(claim.text) for claim in draft.claims))
    retrieved = list(dict.fromkeys(one.document_ref for one in draft.retrievals))
    candidates = shelf.candidates(indexes.all, retrieved)
    drafts = draft.claims or derive_claims(draft.answer, retrieved, indexes, shelf)
    check_part("claims", len(drafts), part_limits())
    check_part("citations", sum(len(claim.citations) for claim in drafts), part_limits())
    return tuple(
        CheckedClaim(
            text=claim.text,
            start=claim.start,
            end=claim.end,
            material=is_material(claim.text) if claim.material is None else claim.material,
            declared=bool(draft.claims),
            citations=tuple(_check(one, indexes, shelf, candidates, checks) for one in claim.citations),
        )
        for claim in drafts
    )


def derive_claims(
    answer: str, retrieved: Sequence[str], indexes: TraceIndexes, shelf: IndexShelf
) -> tuple[ClaimDraft, ...]:
    """Return the claims found in an answer. A mark cites the passage its sentence quotes, else the sentence itself."""
    return tuple(
        ClaimDraft(
            text=claim.text,
            start=claim.start,
            end=claim.end,
            material=claim.material,
            citations=tuple(_cite(claim, ref) for ref in _documents_of(claim, retrieved, indexes, shelf)),
        )
        for claim in extract_claims(answer)
    )


def build_claims(trace: Trace, claims: Iterable[CheckedClaim]) -> list[Claim]:
    """Return unsaved claim rows, in order."""
    return [
        Claim(
            trace=trace,
            ordinal=ordinal,
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
        Citation(
            claim=claim,
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
    claim: ExtractedClaim, retrieved: Sequence[str], indexes: TraceIndexes, shelf: IndexShelf
) -> list[str]:
    """Return the documents a derived claim's marks mean.

    A document's id means that document, `[2]` otherwise the second one retrieved. A mark that is neither and
    has no digit (`[your name]`) is no citation.
    """
    documents = []
    for mark in claim.marks:
        if shelf.find(indexes.all, mark.ref) is None and not any(char.isdigit() for char in mark.ref):
            continue
        number = int(mark.ref) if mark.ref.isascii() and mark.ref.isdigit() and len(mark.ref) < 4 else 0
        is_rank = 0 < number <= len(retrieved) and shelf.find(indexes.all, mark.ref) is None
        documents.append(retrieved[number - 1] if is_rank else mark.ref)
    return list(dict.fromkeys(documents))


def _cite(claim: ExtractedClaim, document_ref: str) -> CitationDraft:
    return CitationDraft(document_ref, "", claim.quotes[0] if claim.quotes else claim.text, None)
