"""OpenTelemetry spans of a copilot: GenAI semantic conventions, and `tracebinder.*` for what they lack.

This is all an application adds to be traceable: five kinds of span, and an exporter pointed at the store.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import requests
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Span, SpanKind, Tracer
from typing_extensions import override

from examples.common.copilot import Copilot
from examples.common.generation import Completion, GenerationRequest
from examples.common.outcome import Outcome
from examples.common.policy import PolicyOutcome
from examples.common.prompts import PromptVersion
from examples.common.retrieval import Hit
from examples.common.tasks import Task
from examples.common.tools import Tool

PROVIDER_NAME = "local"  # the model runs in this process


class CheckedExporter(SpanExporter):
    """The OTLP exporter, which also counts: the SDK drops what it cannot deliver and tells nobody."""

    def __init__(self, url: str, token: str) -> None:
        session = requests.Session()
        session.hooks["response"].append(self._read_partial_success)
        self._exporter = OTLPSpanExporter(
            endpoint=f"{url.rstrip('/')}/v1/traces",
            headers={"Authorization": f"Bearer {token}"},
            compression=Compression.Gzip,
            session=session,
            timeout=30,  # seconds
        )
        self.delivered = 0  # spans
        self.undelivered = 0  # spans
        self.refusals: list[str] = []  # what the store said of spans it refused

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send one request."""
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self.delivered += len(spans)
        else:
            self.undelivered += len(spans)
        return result

    @override
    def shutdown(self) -> None:
        """Close the connection."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # the SDK leaves it unannotated

    @override
    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing is held back here."""
        return self._exporter.force_flush(timeout_millis)

    def _read_partial_success(self, response: requests.Response, *_: Any, **__: Any) -> None:
        if not response.ok:
            self.refusals.append(f"{response.status_code}: {response.text[:300]}")
        elif response.headers.get("Content-Type", "").startswith("application/x-protobuf"):
            partial = ExportTraceServiceResponse.FromString(response.content).partial_success
            if partial.rejected_spans:
                self.refusals.append(f"{partial.rejected_spans} spans refused: {partial.error_message}")


def make_provider(system: str, exporter: SpanExporter | None, *, environment: str) -> TracerProvider:
    """Return a tracer provider for one system; without an exporter the spans go nowhere."""
    resource = Resource.create({"service.name": system, "deployment.environment.name": environment})
    provider = TracerProvider(resource=resource)
    if exporter is not None:
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=60_000))
    return provider


@contextmanager
def trace_run(tracer: Tracer, copilot: Copilot, task: Task) -> Iterator[Span]:
    """The root span of one task."""
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": PROVIDER_NAME,
        "gen_ai.agent.name": copilot.name,
        "tracebinder.release": copilot.release,
        "tracebinder.task.id": task.id,
        "tracebinder.language": task.language,
        "tracebinder.risk_tier": task.risk_tier,
        "tracebinder.question": task.question,
    }
    with tracer.start_as_current_span(f"invoke_agent {copilot.key}", attributes=attributes) as span:
        yield span


def record_outcome(span: Span, copilot: Copilot, outcome: Outcome) -> None:
    """Put the structured answer on the root span."""
    span.set_attributes(
        {
            "tracebinder.answer": outcome.answer,
            "tracebinder.claims": _json(outcome.claims_as_attribute(copilot.index_name)),
            "tracebinder.confidence.factors": _json(outcome.confidence),
            "tracebinder.limitations": list(outcome.limitations),
        }
    )
    if outcome.decision is not None:
        span.set_attribute("tracebinder.decision", outcome.decision)


def trace_retrieval(tracer: Tracer, copilot: Copilot, query: str, *, top: int) -> list[Hit]:
    """Search the index inside a retrieval span."""
    attributes = {
        "gen_ai.operation.name": "retrieval",
        "gen_ai.data_source.id": copilot.index_name,
        "gen_ai.retrieval.query.text": query,
        "tracebinder.index.version": copilot.index_version,
        "tracebinder.index.digest": f"sha256:{copilot.index_digest}",
    }
    with tracer.start_as_current_span(f"retrieval {copilot.index_name}", attributes=attributes) as span:
        hits = copilot.retriever.search(query, top=top)
        best: dict[str, float] = {}
        for hit in hits:
            best.setdefault(hit.passage.document.id, hit.score)
        documents = [{"id": document, "score": round(score, 4)} for document, score in best.items()]
        span.set_attribute("gen_ai.retrieval.documents", _json(documents))
    return hits


@contextmanager
def trace_chat(
    tracer: Tracer,
    *,
    field: str,
    request: GenerationRequest,
    prompt: PromptVersion,
    model_name: str,
    model_digest: str,
) -> Iterator[Span]:
    """One generation, with the prompt and model versions it used."""
    attributes: dict[str, str | int | float] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": PROVIDER_NAME,
        "gen_ai.request.model": model_name,
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.max_tokens": request.max_new_tokens,
        "gen_ai.input.messages": _json([_message(turn.role, turn.content) for turn in request.messages]),
        "gen_ai.prompt.name": prompt.name,
        "gen_ai.prompt.version": prompt.version,
        "tracebinder.prompt.digest": f"sha256:{prompt.digest}",
        "tracebinder.model.digest": f"sha256:{model_digest}",
        "tracebinder.generation.field": field,
    }
    with tracer.start_as_current_span(
        f"chat {model_name}", kind=SpanKind.CLIENT, attributes=attributes
    ) as span:
        yield span


def record_completion(span: Span, completion: Completion, model_name: str) -> None:
    """Put what the model wrote on its span."""
    message = {**_message("assistant", completion.text), "finish_reason": completion.finish_reason}
    span.set_attributes(
        {
            "gen_ai.response.model": model_name,
            "gen_ai.response.finish_reasons": [completion.finish_reason],
            "gen_ai.usage.input_tokens": completion.input_tokens,
            "gen_ai.usage.output_tokens": completion.output_tokens,
            "gen_ai.output.messages": _json([message]),
            "tracebinder.generation.mean_token_probability": completion.mean_token_probability,
            "tracebinder.generation.batch_size": completion.batch_size,
        }
    )


def trace_tool(tracer: Tracer, tool: Tool, call_id: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Call a tool inside its span.

    Raises:
        ToolError: the tool cannot answer; the span then has status error.
    """
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": tool.name,
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": call_id,
        "gen_ai.tool.call.arguments": _json(arguments),
        "tracebinder.tool.version": tool.version,
        "tracebinder.tool.digest": f"sha256:{tool.digest}",
    }
    with tracer.start_as_current_span(f"execute_tool {tool.name}", attributes=attributes) as span:
        result = tool.function(**arguments)
        span.set_attribute("gen_ai.tool.call.result", _json(result))
    return result


def trace_policy_check(tracer: Tracer, copilot: Copilot, outcome: PolicyOutcome) -> None:
    """Record what one rule of the policy gate decided."""
    attributes = {
        "tracebinder.policy.rule": outcome.rule,
        "tracebinder.policy.decision": outcome.decision,
        "tracebinder.policy.reason": outcome.reason,
        "tracebinder.policy.name": copilot.policy.name,
        "tracebinder.policy.version": copilot.policy.version,
        "tracebinder.policy.digest": f"sha256:{copilot.policy.digest}",
    }
    with tracer.start_as_current_span(f"policy_check {outcome.rule}", attributes=attributes):
        pass


def _message(role: str, content: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": content}]}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
