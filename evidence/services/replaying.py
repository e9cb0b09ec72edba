"""Replays of what `evidence` itself decided: a citation's verdict, and what a trace was sealed as."""

from __future__ import annotations

from evidence.citations.verdict import CHECKER_VERSION
from evidence.models import Citation, Span, Trace
from evidence.replay import Replay
from evidence.semconv.mapping import digest_trace
from evidence.services.assembly_replay import replay_citation as check_again
from evidence.services.assembly_rows import ASSEMBLER_VERSION


def replay_citation(citation: Citation) -> Replay:
    """Check a citation again from its quote and the documents known when its trace was sealed."""
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
    return Replay(
        kind="trace",
        ref=str(trace.pk),
        stored_verdict=trace.status,
        replayed_verdict=trace.status,
        stored_inputs=trace.digest,
        replayed_inputs=digest,
        stored_code=trace.assembler_version,
        current_code=ASSEMBLER_VERSION,
    )
