"""Export requests that look like a retrieval-augmented answer. Shares no code with what reads them.

A trace has 4 spans: the agent (question, answer), a retrieval, a model call (prompt about 1.5 kB, answer about
1 kB), and a tool call. Every trace has its own texts and ids, so that nothing compresses or caches unfairly well.
"""

from __future__ import annotations

import random
import time
from collections.abc import MutableSequence
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

SPANS_A_TRACE: Final = 4
PROMPT_CHARACTERS: Final = 1_500
ANSWER_CHARACTERS: Final = 1_000


class TraceGenerator:
    """Makes bodies for one system; the same seed makes the same texts."""

    def __init__(self, system: str, seed: int) -> None:
        self._system = system
        self._random = random.Random(seed)
        self._words = [self._make_word() for _ in range(4_000)]

    def make_body(self, n_traces: int) -> bytes:
        """Return one protobuf export request of so many traces."""
        request = ExportTraceServiceRequest()
        group = request.resource_spans.add()
        _set(group.resource.attributes, "service.name", self._system)
        _set(group.resource.attributes, "service.version", "1.4.2")
        _set(group.resource.attributes, "deployment.environment.name", "production")
        scope = group.scope_spans.add()
        scope.scope.name = "bench"
        for _ in range(n_traces):
            self._add_trace(scope.spans)
        return bytes(request.SerializeToString())

    def _add_trace(self, spans: MutableSequence[Span]) -> None:
        trace_id, now = self._random.randbytes(16), time.time_ns()
        question, answer = self._make_text(120), self._make_text(ANSWER_CHARACTERS)
        root = self._add_span(spans, trace_id, b"", "invoke_agent credit", now)
        _set(root.attributes, "gen_ai.operation.name", "invoke_agent")
        _set(root.attributes, "tracebinder.release", "2025.11")
        _set(root.attributes, "tracebinder.language", "en")
        _set(root.attributes, "tracebinder.question", question)
        _set(root.attributes, "tracebinder.limitations", "not legal advice")
        retrieval = self._add_span(spans, trace_id, root.span_id, "retrieval", now)
        _set(retrieval.attributes, "gen_ai.operation.name", "retrieval")
        _set(retrieval.attributes, "gen_ai.retrieval.query.text", question)
        _set(retrieval.attributes, "gen_ai.data_source.id", "credit-documents")
        _set(
            retrieval.attributes,
            "gen_ai.retrieval.documents",
            '[{"id":"DOC-1","score":7.1},{"id":"DOC-7","score":3.2}]',
        )
        chat = self._add_span(spans, trace_id, root.span_id, "chat smollm2", now)
        _set(chat.attributes, "gen_ai.operation.name", "chat")
        _set(chat.attributes, "gen_ai.provider.name", "local")
        _set(chat.attributes, "gen_ai.request.model", "smollm2-135m-instruct")
        _set(chat.attributes, "gen_ai.request.max_tokens", 256)
        _set(chat.attributes, "gen_ai.request.temperature", 0.0)
        _set(chat.attributes, "gen_ai.usage.input_tokens", self._random.randint(200, 500))
        _set(chat.attributes, "gen_ai.usage.output_tokens", self._random.randint(100, 250))
        _set(chat.attributes, "gen_ai.input.messages", _message("user", self._make_text(PROMPT_CHARACTERS)))
        _set(chat.attributes, "gen_ai.output.messages", _message("assistant", answer))
        tool = self._add_span(spans, trace_id, root.span_id, "execute_tool rate_table", now)
        _set(tool.attributes, "gen_ai.operation.name", "execute_tool")
        _set(tool.attributes, "gen_ai.tool.name", "rate_table")
        _set(tool.attributes, "gen_ai.tool.call.arguments", '{"amount":12000,"months":36}')
        _set(tool.attributes, "gen_ai.tool.call.result", '{"apr":7.9}')

    def _add_span(
        self, spans: MutableSequence[Span], trace_id: bytes, parent: bytes, name: str, now: int
    ) -> Span:
        span = Span(
            trace_id=trace_id,
            span_id=self._random.randbytes(8),
            parent_span_id=parent,
            name=name,
            kind=Span.SPAN_KIND_INTERNAL,
            start_time_unix_nano=now,
            end_time_unix_nano=now + self._random.randint(1_000_000, 900_000_000),
        )
        spans.append(span)
        return spans[-1]

    def _make_word(self) -> str:
        return "".join(self._random.choices("etaoinshrdlucmfw", k=self._random.randint(2, 11)))

    def _make_text(self, n_characters: int) -> str:
        return " ".join(self._random.choices(self._words, k=n_characters // 5))[:n_characters]


def _message(role: str, text: str) -> str:
    return f'[{{"role":"{role}","parts":[{{"type":"text","content":"{text}"}}]}}]'


def _set(attributes: MutableSequence[KeyValue], key: str, value: str | float) -> None:
    pair = KeyValue(key=key)
    if isinstance(value, str):
        pair.value.string_value = value
    elif isinstance(value, int):
        pair.value.int_value = value
    else:
        pair.value.double_value = value
    attributes.append(pair)
