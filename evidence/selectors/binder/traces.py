"""The traces of the period, their spans, and those that no release could be named for."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Exists, OuterRef, QuerySet

from evidence.binder.files import BinderFile, json_lines_file
from evidence.models import Span, Trace
from evidence.selectors.binder.scope import (
    BinderScope,
    moment,
    plain,
    read_by_keyset,
    read_pages,
    version_reference,
)
from evidence.selectors.traces import traces_in_full

TRACES_PATH = "traces/traces.jsonl"


def trace_files(scope: BinderScope) -> Iterator[BinderFile]:
    """Yield the traces, the spans they were assembled from, and the list of traces without a release."""
    yield json_lines_file(
        TRACES_PATH,
        lambda: (_trace(trace) for trace in read_by_keyset(traces_in_scope(scope, traces_in_full()))),
        title="Traces / 轨迹",
        schema="trace",
        population="traces",
    )
    yield json_lines_file(
        "traces/spans.jsonl", lambda: _spans(scope), title="Spans as received / 原始跨度", population="spans"
    )
    yield json_lines_file(
        "traces/without-release.jsonl",
        lambda: _without_release(scope),
        title="Traces of the period that name no known release / 未能归属发布版本的轨迹",
        population="traces-without-release",
    )


def traces_in_scope(scope: BinderScope, traces: QuerySet[Trace] | None = None) -> QuerySet[Trace]:
    """Return the release's traces that began in the period, each in the revision that was current at `as_of`."""
    return _current(scope, Trace.objects.all() if traces is None else traces).filter(release=scope.release)


def _current(scope: BinderScope, traces: QuerySet[Trace]) -> QuerySet[Trace]:
    later = Trace.objects.filter(
        scope.as_of.knew("sealed_at"),
        system=OuterRef("system"),
        trace_id=OuterRef("trace_id"),
        revision__gt=OuterRef("revision"),
    )
    return traces.filter(
        scope.as_of.knew("sealed_at"),
        ~Exists(later),
        system=scope.system,
        started_at__gte=scope.period_from,
        started_at__lt=scope.period_to,
    )


def _trace(trace: Trace) -> dict[str, object]:
    versions = sorted(trace.versions.all(), key=lambda used: (used.slot, used.pk))
    return {
        "traceId": trace.trace_id.hex,
        "revision": trace.revision,
        "digest": trace.digest,
        "status": trace.status,
        "name": trace.name,
        "environment": trace.environment,
        "release": trace.release.name if trace.release else None,
        "startedAt": moment(trace.started_at),
        "endedAt": moment(trace.ended_at),
        "sealedAt": moment(trace.sealed_at),
        "spanCount": trace.span_count,
        "question": trace.question,
        "answer": trace.answer,
        "language": trace.language,
        "riskTier": trace.risk_tier,
        "confidence": plain(trace.confidence_factors),
        "limitations": plain(trace.limitations),
        "flags": plain(trace.flags),
        "assemblerVersion": trace.assembler_version,
        "versions": [version_reference(used.version, slot=used.slot) for used in versions],
        "claims": _claims(trace),
        "retrievals": _retrievals(trace),
        "policyChecks": _policy_checks(trace),
        "toolCalls": _tool_calls(trace),
    }


def _claims(trace: Trace) -> list[dict[str, object]]:
    return [
        {
            "ordinal": claim.ordinal,
            "text": claim.text,
            "start": claim.start,
            "end": claim.end,
            "material": claim.material,
            "origin": claim.origin,
            "citations": [str(pk) for pk in sorted(citation.pk for citation in claim.citations.all())],
        }
        for claim in trace.claims.all()
    ]


def _retrievals(trace: Trace) -> list[dict[str, object]]:
    return [
        {
            "spanId": x.span_id,
            "query": x.query,
            "rank": x.rank,
            "score": plain(x.score),
            "document": x.document_ref,
        }
        for x in sorted(trace.retrievals.all(), key=lambda x: x.pk)
    ]


def _policy_checks(trace: Trace) -> list[dict[str, object]]:
    return [
        {"spanId": x.span_id, "rule": x.rule, "decision": x.decision, "reason": x.reason}
        for x in sorted(trace.policy_checks.all(), key=lambda x: x.pk)
    ]


def _tool_calls(trace: Trace) -> list[dict[str, object]]:
    return [
        {"spanId": x.span_id, "tool": x.tool, "arguments": plain(x.arguments), "result": plain(x.result)}
        for x in sorted(trace.tool_calls.all(), key=lambda x: x.pk)
    ]


def _spans(scope: BinderScope) -> Iterator[dict[str, object]]:
    for page in read_pages(traces_in_scope(scope)):
        spans = Span.objects.filter(
            scope.as_of.knew("received_at"),
            system=scope.system,
            trace_id__in=[trace.trace_id for trace in page],
        )
        for span in spans.order_by("trace_id", "start_ns", "span_id").iterator(chunk_size=500):
            yield _span(span)


def _span(span: Span) -> dict[str, object]:
    return {
        "traceId": span.trace_id.hex,
        "spanId": span.span_id,
        "parentSpanId": span.parent_span_id,
        "name": span.name,
        "kind": span.kind,
        "startNs": str(span.start_ns),
        "endNs": str(span.end_ns),
        "statusCode": span.status_code,
        "statusMessage": span.status_message,
        "attributes": plain(span.attributes),
        "events": plain(span.events),
        "links": plain(span.links),
        "resource": plain(span.resource),
        "scope": plain(span.scope),
        "digest": span.digest,
        "digestFormat": span.digest_format,
        "receivedAt": moment(span.received_at),
    }


def _without_release(scope: BinderScope) -> Iterator[dict[str, object]]:
    traces = _current(scope, Trace.objects.all()).filter(release=None)
    for trace in read_by_keyset(traces):
        yield {"traceId": trace.trace_id.hex, "revision": trace.revision, "digest": trace.digest}
