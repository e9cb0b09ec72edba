"""The traces of the period, their spans, and those that no release could be named for."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    BigIntegerField,
    Count,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    UUIDField,
    Value,
)

from evidence.binder.files import BinderFile, json_lines_file
from evidence.models import (
    ArtefactVersion,
    Citation,
    Claim,
    PolicyCheck,
    Retrieval,
    Span,
    ToolCall,
    Trace,
    TraceVersion,
)
from evidence.selectors.binder.scope import (
    BinderScope,
    VersionReference,
    moment,
    plain,
    read_by_keyset,
    read_pages,
    version_reference,
)

TRACES_PATH = "traces/traces.jsonl"
SPANS_PATH = "traces/spans.jsonl"

_SPAN_COLUMNS: Final = (
    "pk", "trace_id", "span_id", "parent_span_id", "name", "kind", "start_ns", "end_ns", "status_code",
    "status_message", "attributes", "events", "links", "resource", "scope", "digest", "digest_format", "received",
)  # fmt: skip
# Members of what hangs on a trace, and their columns.
_CLAIM: Final = ("ordinal", "exchange", "text", "start", "end", "material", "origin")
_RETRIEVAL: Final = {
    "spanId": "span_id", "query": "query", "rank": "rank", "score": "score", "document": "document_ref",
    "text": "text", "source": "source",
}  # fmt: skip
_POLICY_CHECK: Final = {"spanId": "span_id", "rule": "rule", "decision": "decision", "reason": "reason"}
_TOOL_CALL: Final = {
    "spanId": "span_id", "callId": "call_id", "tool": "tool", "arguments": "arguments", "result": "result",
    "error": "error", "source": "source",
}  # fmt: skip
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class _Microseconds(Func):
    """A time as whole microseconds since 1970: reading many times as times is most of what reading spans costs."""

    template = "(EXTRACT(EPOCH FROM %(expressions)s) * 1000000)::bigint"
    output_field = BigIntegerField()


def trace_files(scope: BinderScope) -> Iterator[BinderFile]:
    """Yield the traces, the spans they were assembled from, and the list of traces without a release."""
    yield json_lines_file(
        TRACES_PATH,
        lambda: _traces(scope),
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


def trace_pages(scope: BinderScope) -> Iterator[list[Trace]]:
    """Yield pages of the traces in scope, of which only the keys are read: for what hangs on them."""
    return read_pages(traces_in_scope(scope).only("pk"))


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


def _traces(scope: BinderScope) -> Iterator[dict[str, object]]:
    for page in read_pages(traces_in_scope(scope)):
        parts = _Parts.of(page)
        yield from (_trace(trace, scope.release.name, parts) for trace in page)


Documents = list[dict[str, object]]


@dataclass(frozen=True, slots=True)
class _Parts:
    """What hangs on the traces of a page, by their keys: a query for each kind, and no object for each row."""

    versions: Mapping[int, list[VersionReference]]
    claims: Mapping[int, Documents]
    retrievals: Mapping[int, Documents]
    policy_checks: Mapping[int, Documents]
    tool_calls: Mapping[int, Documents]

    @classmethod
    def of(cls, traces: Sequence[Trace]) -> _Parts:
        return cls(
            versions=_versions_of(traces),
            claims=_claims_of(traces),
            retrievals=_rows_of(Retrieval, traces, _RETRIEVAL),
            policy_checks=_rows_of(PolicyCheck, traces, _POLICY_CHECK),
            tool_calls=_rows_of(ToolCall, traces, _TOOL_CALL),
        )


def _rows_of(
    model: type[Retrieval | PolicyCheck | ToolCall], traces: Sequence[Trace], names: Mapping[str, str]
) -> Mapping[int, Documents]:
    """Return a document of each row, its members by the names of columns, in the order of their keys."""
    rows = model._default_manager.filter(trace__in=traces).order_by("pk")
    found: dict[int, Documents] = defaultdict(list)
    for trace, *values in rows.values_list("trace_id", *names.values()):
        found[trace].append({name: plain(value) for name, value in zip(names, values, strict=True)})
    return found


def _claims_of(traces: Sequence[Trace]) -> Mapping[int, Documents]:
    citations: dict[int, list[str]] = defaultdict(list)
    rows = Citation.objects.filter(claim__trace__in=traces).order_by("pk")
    for claim, citation in rows.values_list("claim_id", "pk"):
        citations[claim].append(str(citation))
    found: dict[int, Documents] = defaultdict(list)
    claims = Claim.objects.filter(trace__in=traces).order_by("ordinal")
    for pk, trace, *values in claims.values_list("pk", "trace_id", *_CLAIM):
        found[trace].append({**dict(zip(_CLAIM, values, strict=True)), "citations": citations[pk]})
    return found


def _versions_of(traces: Sequence[Trace]) -> Mapping[int, list[VersionReference]]:
    """Return the versions each trace used, by its key; most traces used the same, which are read once."""
    rows = TraceVersion.objects.filter(trace__in=traces).values_list("slot", "pk", "trace_id", "version_id")
    used = sorted(rows)
    artefacts = ArtefactVersion.objects.select_related("artefact")
    versions = artefacts.in_bulk({version for *_, version in used})
    found: dict[int, list[VersionReference]] = defaultdict(list)
    for slot, _, trace, version in used:
        found[trace].append(version_reference(versions[version], slot=slot))
    return found


def _trace(trace: Trace, release: str, parts: _Parts) -> dict[str, object]:
    return {
        "traceId": trace.trace_id.hex,
        "revision": trace.revision,
        "digest": trace.digest,
        "status": trace.status,
        "name": trace.name,
        "environment": trace.environment,
        "release": release,
        "startedAt": moment(trace.started_at),
        "endedAt": moment(trace.ended_at),
        "sealedAt": moment(trace.sealed_at),
        "spanCount": trace.span_count,
        "spanIds": trace.span_ids,  # null: it was sealed before traces named their spans
        "question": trace.question,
        "answer": trace.answer,
        "exchanges": plain(trace.exchanges),  # null, as what follows: it was sealed before traces told it
        "sources": plain(trace.sources),
        "conversationIds": trace.conversation_ids,
        "sessionIds": trace.session_ids,
        "userIds": trace.user_ids,
        "inputTokens": plain(trace.input_tokens),
        "outputTokens": plain(trace.output_tokens),
        "cost": None if trace.cost is None else f"{trace.cost.normalize():f}",
        "currency": trace.currency,
        "finishReasons": trace.finish_reasons,
        "errors": plain(trace.errors),
        "language": trace.language,
        "riskTier": trace.risk_tier,
        "confidence": plain(trace.confidence_factors),
        "limitations": plain(trace.limitations),
        "flags": plain(trace.flags),
        "assemblerVersion": trace.assembler_version,
        "versions": parts.versions[trace.pk],
        "claims": parts.claims[trace.pk],
        "retrievals": parts.retrievals[trace.pk],
        "policyChecks": parts.policy_checks[trace.pk],
        "toolCalls": parts.tool_calls[trace.pk],
    }


def _spans(scope: BinderScope) -> Iterator[dict[str, object]]:
    """Yield the spans in the order of their traces, so that whoever checks them reads both files once, side by side."""
    for page in read_pages(traces_in_scope(scope).only("trace_id", "span_ids", "sealed_at")):
        sealed = {trace.trace_id: trace for trace in page}
        rows = Span.objects.filter(_sealed_or_known(scope, page), system=scope.system)
        left_out = _reused_ids(rows, sealed)
        place = Func(Value([*sealed], ArrayField(UUIDField())), F("trace_id"), function="array_position")
        ordered = rows.order_by(place, "start_ns", "span_id", "digest")
        columns = ordered.annotate(received=_Microseconds("received_at")).values_list(*_SPAN_COLUMNS)
        for row in columns.iterator(chunk_size=500):
            span = dict(zip(_SPAN_COLUMNS, row, strict=True))
            if _is_sealed_from(sealed[span["trace_id"]], span["span_id"]) and span["pk"] not in left_out:
                yield _span(span)


def _sealed_or_known(scope: BinderScope, traces: Sequence[Trace]) -> Q:
    """Return the condition of what may be a span of these traces: of those that name none, what was on record."""
    naming = [trace.trace_id for trace in traces if trace.span_ids is not None]
    others = [trace.trace_id for trace in traces if trace.span_ids is None]
    return Q(trace_id__in=naming) | (Q(trace_id__in=others) & scope.as_of.knew("received_at"))


def _is_sealed_from(trace: Trace, span_id: str) -> bool:
    if trace.span_ids is None:
        return True
    place = bisect_left(trace.span_ids, span_id)
    return place < len(trace.span_ids) and trace.span_ids[place] == span_id


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


def _span(span: Mapping[str, Any]) -> dict[str, object]:
    return {
        "traceId": span["trace_id"].hex,
        "spanId": span["span_id"],
        "parentSpanId": span["parent_span_id"],
        "name": span["name"],
        "kind": span["kind"],
        "startNs": str(span["start_ns"]),
        "endNs": str(span["end_ns"]),
        "statusCode": span["status_code"],
        "statusMessage": span["status_message"],
        "attributes": plain(span["attributes"]),
        "events": plain(span["events"]),
        "links": plain(span["links"]),
        "resource": plain(span["resource"]),
        "scope": plain(span["scope"]),
        "digest": span["digest"],
        "digestFormat": span["digest_format"],
        "receivedAt": _moment_of(span["received"]),
    }


@lru_cache(maxsize=1_000)  # the spans of a request have one
def _moment_of(microseconds: int) -> str:
    return moment(_EPOCH + timedelta(microseconds=microseconds))


def _without_release(scope: BinderScope) -> Iterator[dict[str, object]]:
    traces = _current(scope, Trace.objects.only("trace_id", "revision", "digest")).filter(release=None)
    for trace in read_by_keyset(traces):
        yield {"traceId": trace.trace_id.hex, "revision": trace.revision, "digest": trace.digest}
