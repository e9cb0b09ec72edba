"""Replays of what `evidence` itself decided: a citation's verdict, and what a trace was sealed as."""

from __future__ import annotations

from evidence.citations.verdict import CHECKER_VERSION
from evidence.disposal_rules import ERASED_TEXT
from evidence.models import Citation, Disposal, Erasure, Span, Trace
from evidence.replay import Replay
from evidence.semconv.mapping import digest_trace
from evidence.services.assembly_replay import replay_citation as check_again
from evidence.services.assembly_rows import ASSEMBLER_VERSION


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
    again = check_again(citation)
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
        current_code=CHECKER_VERSION,
    )


def replay_trace(trace: Trace) -> Replay:
    """Digest the spans the trace was sealed over again; spans that came later belong to a later revision."""
    spans = Span.objects.filter(
        system=trace.system_id, trace_id=trace.trace_id, received_at__lte=trace.sealed_at
    )
    digest = digest_trace(spans.values_list("span_id", "digest"))
    gone = "" if digest == trace.digest else _disposed_of(trace)
    return Replay(
        kind="trace",
        ref=str(trace.pk),
        stored_verdict=trace.status,
        replayed_verdict="disposed of" if gone else trace.status,
        stored_inputs=trace.digest,
        replayed_inputs=digest,
        stored_code=trace.assembler_version,
        current_code=ASSEMBLER_VERSION,
        gone=gone,
    )


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
