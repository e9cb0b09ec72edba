"""What a trace was sealed as, and each citation's verdict, computed again from what is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from evidence import clock
from evidence.citations.verdict import CHECKER_VERSION, CHECKER_VERSIONS, CitationVerdict, check_citation
from evidence.erased import ERASED_TEXT
from evidence.models import Citation, Disposal, Erasure, Span, Trace, TraceVersion
from evidence.otlp.span_digest import SPAN_DIGEST_FORMAT, digest_row
from evidence.otlp.values import BLOB_KEY
from evidence.replay import Replay
from evidence.selectors.readings import ReadBy, find_reading_of
from evidence.semconv.arrival import settle
from evidence.semconv.exchange_json import exchange_as_json
from evidence.semconv.mapping import digest_trace, map_trace
from evidence.services.assembly.reasons import reason_columns
from evidence.services.assembly.rows import ASSEMBLER_VERSION
from evidence.services.assembly.sources import IndexShelf, StoredSource
from evidence.services.assembly.values import find_large_values, missing_values


@dataclass(frozen=True, slots=True)
class CitationRecheck:
    """A verdict computed again. `same` is whether all of it equals what was stored; `difference` says what does not."""

    verdict: CitationVerdict
    same: bool
    difference: str


def recheck_citation(citation: Citation) -> CitationRecheck:
    """Compute the verdict of a stored citation again, from its quote and the documents known when it was sealed.

    By the rules of the version that gave it, where they are kept.
    """
    trace = citation.claim.trace
    index_ids = tuple(
        TraceVersion.objects.filter(trace=trace, version__artefact__kind="index")
        .order_by("version")
        .values_list("version", flat=True)
        .distinct()
    )
    retrieved = list(trace.retrievals.order_by("pk").values_list("document_ref", flat=True))
    refs = [citation.document_ref, *retrieved]
    shelf = IndexShelf(index_version_ids=index_ids, refs=refs, as_of=clock.as_of(trace.sealed_at))
    cited = None
    if citation.document is not None:
        cited = shelf.find([citation.document.index_version_id], citation.document_ref)
    candidates = shelf.candidates(index_ids, dict.fromkeys(retrieved))
    # The place a declared quote was said to begin is no input of its own: it counted only where it was true,
    # and then it is the place stored.
    version = citation.checker_version if citation.checker_version in CHECKER_VERSIONS else CHECKER_VERSION
    for hint in (None, citation.doc_start):
        verdict = check_citation(
            quote=citation.quote,
            source=cited.source if cited else None,
            candidates=[one.source for one in candidates],
            hint=hint,
            version=version,
        )
        if verdict.inputs_digest == citation.inputs_digest:
            break
    difference = _difference(citation, verdict, candidates)
    return CitationRecheck(verdict, same=not difference, difference=difference)


def replay_citation(citation: Citation) -> Replay:
    """Check a citation again from its quote and the documents known when its trace was sealed.

    One whose quote was erased is said to be erased: its verdict and the digest of what it rested on stay.
    """
    if citation.quote == ERASED_TEXT and (gone := _erased(citation.claim.trace)):
        return Replay(
            kind="citation",
            ref=str(citation.pk),
            stored_verdict=citation.verdict,
            replayed_verdict="erased",
            stored_inputs=citation.inputs_digest,
            replayed_inputs="",
            stored_code=citation.checker_version,
            current_code=CHECKER_VERSION,
            gone=gone,
        )
    again = recheck_citation(citation)
    return Replay(
        kind="citation",
        ref=str(citation.pk),
        stored_verdict=citation.verdict,
        replayed_verdict=again.verdict.verdict.value
        if again.same
        else f"{again.verdict.verdict.value} ({again.difference})",
        stored_inputs=citation.inputs_digest,
        replayed_inputs=again.verdict.inputs_digest,
        stored_code=citation.checker_version,
        current_code=again.verdict.checker_version,
    )


def replay_trace(trace: Trace) -> Replay:
    """Digest the spans the trace was sealed over again, from their columns; later spans belong to a later revision.

    A trace that was read by a version of its system's reading is read by that version again.
    """
    spans = Span.objects.filter(system=trace.system_id, trace_id=trace.trace_id)
    if trace.span_ids is None:
        spans = spans.filter(received_at__lte=trace.sealed_at)
    else:
        spans = spans.filter(span_id__in=trace.span_ids)
    erased = bool(_erased(trace))
    digest = digest_trace((row["span_id"], _digest_again(row, erased=erased)) for row in spans.values())
    gone = "" if digest == trace.digest else _disposed_of(trace)
    used = find_reading_of(trace)
    lost = _lost_values(spans, used)
    replayed = "disposed of" if gone else trace.status
    if not gone and lost:
        replayed = f"{trace.status} (the bytes of {', '.join(lost)} are missing)"
    elif not (gone or erased) and not _reads_the_same(trace, spans, used):
        replayed = f"{trace.status} (version {used.number} of the system's reading tells other exchanges)"
    return Replay(
        kind="trace",
        ref=str(trace.pk),
        stored_verdict=trace.status,
        replayed_verdict=replayed,
        stored_inputs=trace.digest,
        replayed_inputs=digest,
        stored_code=trace.assembler_version,
        current_code=ASSEMBLER_VERSION,
        gone=gone,
    )


def _digest_again(span: Mapping[str, Any], *, erased: bool) -> str:
    """Digest a stored span over its columns; as stored, where its digest cannot be made of them any more."""
    if erased or span["digest_format"] != SPAN_DIGEST_FORMAT:
        return str(span["digest"])
    return digest_row(span)


def _reads_the_same(trace: Trace, spans: QuerySet[Span], used: ReadBy) -> bool:
    """Whether the version of the reading that a trace was read by tells the same exchanges, by the rules of then.

    By other rules it may not, and which rules those are says the code's version.
    """
    if used.version is None or trace.exchanges is None or trace.assembler_version != ASSEMBLER_VERSION:
        return True
    rows = list(spans.values())
    large = find_large_values(rows, used.reading.attributes())
    for row in rows:
        row["attributes"] = large.restore(row)
    draft = map_trace(settle(rows).spans, reading=used.reading)
    return bool([exchange_as_json(one) for one in draft.exchanges] == trace.exchanges)


def _lost_values(spans: QuerySet[Span], used: ReadBy) -> list[str]:
    """Return the attributes whose bytes the trace was read from and that are not in the blob store."""
    moved = spans.extra(where=["attributes::text LIKE %s"], params=[f"%{BLOB_KEY}%"])
    return sorted(missing_values(moved.values_list("batch_id", "attributes"), used.reading.attributes()))


def _difference(citation: Citation, verdict: CitationVerdict, candidates: list[StoredSource]) -> str:
    if citation.checker_version not in CHECKER_VERSIONS:
        return f"it was checked by {citation.checker_version}, this is {CHECKER_VERSION}"
    if citation.inputs_digest != verdict.inputs_digest:
        return "the stored documents or the quote are not those that were checked"
    found_in = next((one.pk for one in candidates if one.source.document_id == verdict.found_in), None)
    stored = (citation.verdict, citation.score, citation.doc_start, citation.doc_end, citation.found_in_id)
    again = (verdict.verdict.value, verdict.score / 100, verdict.start, verdict.end, found_in)
    if stored != again:
        return f"stored {stored}, computed {again}"
    return _difference_of_reason(citation, verdict)


def _difference_of_reason(citation: Citation, verdict: CitationVerdict) -> str:
    """Say what of the reason is not as it was stored; of a verdict from before reasons were, nothing is asked."""
    if citation.reason is None:
        return ""
    again = reason_columns(verdict)
    differing = [name for name, value in again.items() if getattr(citation, name) != value]
    return f"{', '.join(differing)} are not as stored" if differing else ""


def _erased(trace: Trace) -> str:
    """Say when and why the payload of a trace was erased; empty where it was not."""
    erasure = Erasure.objects.filter(system=trace.system_id, trace_id=trace.trace_id).order_by("pk").first()
    return f"its payload was erased on {erasure.erased_at:%Y-%m-%d} ({erasure.reason})" if erasure else ""


def _disposed_of(trace: Trace) -> str:
    """Say when the spans of a trace went by retention; empty where they did not."""
    disposal = Disposal.objects.filter(
        kind=Disposal.Kind.SPANS, period_from__lte=trace.ended_at, period_to__gt=trace.started_at
    ).first()
    if disposal is None:
        return ""
    return f"its spans went with {disposal.subject} on {disposal.disposed_at:%Y-%m-%d} ({disposal.reason})"
