"""The traces of the period, their spans, and those that no release could be named for."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db.models import Count, Exists, F, Func, OuterRef, Q, QuerySet, UUIDField, Value

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
SPANS_PATH = "traces/spans.jsonl"


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
        SPANS_PATH, lambda: _spans(scope), title="Spans as received / 原始跨度", population="spans"
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
        "spanIds": trace.span_ids,  # null: it was sealed before traces named their spans
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
    """Yield the spans in the order of their traces, so that whoever checks them reads both files once, side by side."""
    for page in read_pages(traces_in_scope(scope)):
        sealed = {trace.trace_id: trace for trace in page}
        rows = Span.objects.filter(_sealed_or_known(scope, page), system=scope.system)
        left_out = _reused_ids(rows, sealed)
        place = Func(Value([*sealed], ArrayField(UUIDField())), F("trace_id"), function="array_position")
        for span in rows.order_by(place, "start_ns", "span_id", "digest").iterator(chunk_size=500):
            if _is_sealed_from(sealed[span.trace_id], span) and span.pk not in left_out:
                yield _span(span)


def _sealed_or_known(scope: BinderScope, traces: Sequence[Trace]) -> Q:
    """Return the condition of what may be a span of these traces: of those that name none, what was on record."""
    naming = [trace.trace_id for trace in traces if trace.span_ids is not None]
    others = [trace.trace_id for trace in traces if trace.span_ids is None]
    return Q(trace_id__in=naming) | (Q(trace_id__in=others) & scope.as_of.knew("received_at"))


def _is_sealed_from(trace: Trace, span: Span) -> bool:
    if trace.span_ids is None:
        return True
    place = bisect_left(trace.span_ids, span.span_id)
    return place < len(trace.span_ids) and trace.span_ids[place] == span.span_id


def _reused_ids(rows: QuerySet[Span], sealed: Mapping[UUID, Trace]) -> set[int]:
    """Return the rows to leave out where a sender gave one id to several spans.

    The trace was sealed from the earliest of those it had by then (`evidence.semconv.mapping`).
    """
    naming = [key for key, trace in sealed.items() if trace.span_ids is not None]
    ids = rows.filter(trace_id__in=naming).order_by().values("trace_id", "span_id")
    left_out: set[int] = set()
    for reused in ids.annotate(n=Count("pk")).filter(n__gt=1).values("trace_id", "span_id"):
        sealed_at = sealed[reused["trace_id"]].sealed_at
        several = rows.filter(**reused).values_list("pk", "start_ns", "digest", "received_at")
        _, *others = sorted(several, key=lambda row: (row[3] > sealed_at, row[1], row[2]))
        left_out.update(row[0] for row in others)
    return left_out


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
