"""Checking a stored citation again from what is stored, to the same verdict."""

from __future__ import annotations

from dataclasses import dataclass

from evidence.citations.verdict import CHECKER_VERSION, CitationVerdict, check_citation
from evidence.models import Citation, TraceVersion
from evidence.services.assembly_sources import IndexShelf, StoredSource


@dataclass(frozen=True, slots=True)
class CitationReplay:
    """A verdict computed again. `same` is whether all of it equals what was stored; `difference` says what does not."""

    verdict: CitationVerdict
    same: bool
    difference: str


def replay_citation(citation: Citation) -> CitationReplay:
    """Compute the verdict of a stored citation again, from its quote and the documents known when it was sealed."""
    trace = citation.claim.trace
    index_ids = tuple(
        TraceVersion.objects.filter(trace=trace, version__artefact__kind="index")
        .order_by("version")
        .values_list("version", flat=True)
        .distinct()
    )
    retrieved = list(trace.retrievals.order_by("pk").values_list("document_ref", flat=True))
    refs = [citation.document_ref, *retrieved]
    shelf = IndexShelf(index_version_ids=index_ids, refs=refs, as_of=trace.sealed_at)
    cited = None
    if citation.document is not None:
        cited = shelf.find([citation.document.index_version_id], citation.document_ref)
    candidates = shelf.candidates(index_ids, dict.fromkeys(retrieved))
    # The place a declared quote was said to begin is no input of its own: it counted only where it was true,
    # and then it is the place stored.
    for hint in (None, citation.doc_start):
        verdict = check_citation(
            quote=citation.quote,
            source=cited.source if cited else None,
            candidates=[one.source for one in candidates],
            hint=hint,
        )
        if verdict.inputs_digest == citation.inputs_digest:
            break
    difference = _difference(citation, verdict, candidates)
    return CitationReplay(verdict, same=not difference, difference=difference)


def _difference(citation: Citation, verdict: CitationVerdict, candidates: list[StoredSource]) -> str:
    if citation.checker_version != CHECKER_VERSION:
        return f"it was checked by {citation.checker_version}, this is {CHECKER_VERSION}"
    if citation.inputs_digest != verdict.inputs_digest:
        return "the stored documents or the quote are not those that were checked"
    found_in = next((one.pk for one in candidates if one.source.document_id == verdict.found_in), None)
    stored = (citation.verdict, citation.score, citation.doc_start, citation.doc_end, citation.found_in_id)
    again = (verdict.verdict.value, verdict.score / 100, verdict.start, verdict.end, found_in)
    return "" if stored == again else f"stored {stored}, computed {again}"
