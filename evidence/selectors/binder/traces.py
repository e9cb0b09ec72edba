"""The traces of the period, their spans, and those that no release could be named for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from evidence.any_of import any_of_keys
from evidence.binder.files import BinderFile, json_lines_file
from evidence.models import (
    ArtefactVersion,
    Citation,
    Claim,
    PolicyCheck,
    Retrieval,
    ToolCall,
    Trace,
    TraceVersion,
)
from evidence.selectors.binder.scope import (
    BinderScope,
    VersionReference,
    read_by_keyset,
    version_reference,
)
from evidence.selectors.binder.shapes import (
    Document,
    Shape,
    decimal_column,
    id_column,
    json_column,
    number_column,
    time_column,
    write_line,
)
from evidence.selectors.binder.spans import span_lines
from evidence.selectors.binder.trace_scope import TRACES_AT_ONCE, Keys, TracePages, current_traces

TRACES_PATH = "traces/traces.jsonl"
SPANS_PATH = "traces/spans.jsonl"

_TRACE: Final = Shape(
    {
        "traceId": id_column("trace_id"),
        "revision": "revision",
        "digest": "digest",
        "status": "status",
        "name": "name",
        "environment": "environment",
        "startedAt": time_column("started_at"),
        "endedAt": time_column("ended_at"),
        "sealedAt": time_column("sealed_at"),
        "spanCount": "span_count",
        "spanIds": "span_ids",  # null: it was sealed before traces named their spans
        "question": "question",
        "answer": "answer",
        "exchanges": json_column("exchanges"),  # null, as what follows: it was sealed before traces told it
        "sources": json_column("sources"),
        "conversationIds": json_column("conversation_ids"),
        "sessionIds": json_column("session_ids"),
        "userIds": json_column("user_ids"),
        "inputTokens": number_column("input_tokens"),
        "outputTokens": number_column("output_tokens"),
        "cost": decimal_column("cost"),
        "currency": "currency",
        "finishReasons": json_column("finish_reasons"),
        "errors": json_column("errors"),
        "language": "language",
        "riskTier": "risk_tier",
        "confidence": json_column("confidence_factors"),
        "limitations": json_column("limitations"),
        "flags": json_column("flags"),
        "assemblerVersion": "assembler_version",
    }
)
_CLAIM: Final = Shape(
    {name: name for name in ("ordinal", "exchange", "text", "start", "end", "material", "origin")}
)
_RETRIEVAL: Final = Shape(
    {
        "spanId": "span_id",
        "query": "query",
        "rank": "rank",
        "score": number_column("score"),
        "document": "document_ref",
        "text": "text",
        "source": json_column("source"),
    }
)
_POLICY_CHECK: Final = Shape(
    {"spanId": "span_id", "rule": "rule", "decision": "decision", "reason": "reason"}
)
_TOOL_CALL: Final = Shape(
    {
        "spanId": "span_id",
        "callId": "call_id",
        "tool": "tool",
        "arguments": json_column("arguments"),
        "result": json_column("result"),
        "error": "error",
        "source": json_column("source"),
    }
)


def trace_files(scope: BinderScope, pages: TracePages) -> Iterator[BinderFile]:
    """Yield the traces, the spans they were assembled from, and the list of traces without a release."""
    yield json_lines_file(
        TRACES_PATH,
        lambda: _traces(scope, pages),
        title="Traces / 轨迹",
        schema="trace",
        population="traces",
    )
    yield json_lines_file(
        SPANS_PATH,
        lambda: span_lines(scope, pages),
        title="Spans as received / 原始跨度",
        population="spans",
    )
    yield json_lines_file(
        "traces/without-release.jsonl",
        lambda: _without_release(scope),
        title="Traces of the period that name no known release / 未能归属发布版本的轨迹",
        population="traces-without-release",
    )


def _traces(scope: BinderScope, pages: TracePages) -> Iterator[bytes]:
    release = scope.release.name
    for keys in pages.of(TRACES_AT_ONCE):
        parts = _Parts.of(keys)
        rows = Trace.objects.filter(any_of_keys("pk", keys)).order_by("pk").values_list("pk", *_TRACE.columns)
        for key, *values in rows:
            yield write_line({**_TRACE.document(values), **parts.of_trace(key), "release": release})


Documents = list[Document]


@dataclass(frozen=True, slots=True)
class _Parts:
    """What hangs on the traces of a page, by their keys: a query for each kind, and no object for each row."""

    versions: Mapping[int, list[VersionReference]]
    claims: Mapping[int, Documents]
    retrievals: Mapping[int, Documents]
    policy_checks: Mapping[int, Documents]
    tool_calls: Mapping[int, Documents]

    @classmethod
    def of(cls, traces: Keys) -> _Parts:
        return cls(
            versions=_versions_of(traces),
            claims=_claims_of(traces),
            retrievals=_rows_of(Retrieval, traces, _RETRIEVAL),
            policy_checks=_rows_of(PolicyCheck, traces, _POLICY_CHECK),
            tool_calls=_rows_of(ToolCall, traces, _TOOL_CALL),
        )

    def of_trace(self, key: int) -> Document:
        return {
            "versions": self.versions[key],
            "claims": self.claims[key],
            "retrievals": self.retrievals[key],
            "policyChecks": self.policy_checks[key],
            "toolCalls": self.tool_calls[key],
        }


def _rows_of(
    model: type[Retrieval | PolicyCheck | ToolCall], traces: Keys, shape: Shape
) -> Mapping[int, Documents]:
    """Return a document of each row, in the order of their keys."""
    rows = model._default_manager.filter(any_of_keys("trace_id", traces)).order_by("pk")
    found: dict[int, Documents] = defaultdict(list)
    for trace, *values in rows.values_list("trace_id", *shape.columns):
        found[trace].append(shape.document(values))
    return found


def _claims_of(traces: Keys) -> Mapping[int, Documents]:
    citations: dict[int, list[str]] = defaultdict(list)
    rows = Citation.objects.filter(any_of_keys("claim__trace_id", traces)).order_by("pk")
    for claim, citation in rows.values_list("claim_id", "pk"):
        citations[claim].append(str(citation))
    found: dict[int, Documents] = defaultdict(list)
    claims = Claim.objects.filter(any_of_keys("trace_id", traces)).order_by("ordinal")
    for pk, trace, *values in claims.values_list("pk", "trace_id", *_CLAIM.columns):
        found[trace].append({**_CLAIM.document(values), "citations": citations[pk]})
    return found


def _versions_of(traces: Keys) -> Mapping[int, list[VersionReference]]:
    """Return the versions each trace used, by its key; most traces used the same, which are read once."""
    rows = TraceVersion.objects.filter(any_of_keys("trace_id", traces)).values_list(
        "slot", "pk", "trace_id", "version_id"
    )
    used = sorted(rows)
    artefacts = ArtefactVersion.objects.select_related("artefact")
    versions = artefacts.in_bulk({version for *_, version in used})
    found: dict[int, list[VersionReference]] = defaultdict(list)
    for slot, _, trace, version in used:
        found[trace].append(version_reference(versions[version], slot=slot))
    return found


def _without_release(scope: BinderScope) -> Iterator[dict[str, object]]:
    traces = current_traces(scope, Trace.objects.only("trace_id", "revision", "digest")).filter(release=None)
    for trace in read_by_keyset(traces):
        yield {"traceId": trace.trace_id.hex, "revision": trace.revision, "digest": trace.digest}
