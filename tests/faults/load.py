"""Senders that behave like SDKs: they repeat a request until it is acknowledged, and remember what was."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from bench.generate import TraceGenerator
from tests.faults.stack import SYSTEM, SpanIds, Stack, wait_until

TRACES_A_BODY = 3
PACE = 0.08  # seconds between what one sender has to say: the worker must keep up on a small machine
LATE = (
    2.6  # seconds after which a part arrives late: its trace has been sealed meanwhile, where all goes well
)
EVENT_NAME = "gen_ai.evaluation.explanation"
EVENT_TIME = 1_763_802_000_000_000_000  # 2025-11-22T09:00:00Z
TRACES, LOGS = "/v1/traces", "/v1/logs"
PROTOBUF = "application/x-protobuf"


@dataclass(frozen=True)
class Export:
    """One request: the path of its signal, and its body."""

    path: str
    body: bytes


class Load:
    """Senders under way. What they are promised is added to the stack's `acknowledged`."""

    def __init__(self, stack: Stack, *, seed: int, senders: int = 3) -> None:
        self.answers: Counter[str] = Counter()
        self.broken_promises: list[str] = []
        self._stack = stack
        self._pause, self._stop = threading.Event(), threading.Event()
        self._idle = [threading.Event() for _ in range(senders)]
        self._threads = [
            threading.Thread(target=self._send_for_ever, args=(number, f"{seed}:{number}"), daemon=True)
            for number in range(senders)
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for_progress(self) -> None:
        """Return when something has been acknowledged since the call."""
        seen = self.answers["acknowledged"]
        wait_until(lambda: self.answers["acknowledged"] > seen, "nothing is acknowledged any more")

    def pause(self) -> None:
        """Let every sender bring what it has begun to its acknowledgement, and wait."""
        self._pause.set()
        wait_until(lambda: all(idle.is_set() for idle in self._idle), "senders get no acknowledgement")

    def go_on(self) -> None:
        for idle in self._idle:
            idle.clear()
        self._pause.clear()

    def _send_for_ever(self, number: int, seed: str) -> None:
        sender = _Sender(self._stack, random.Random(seed))
        try:
            while not self._stop.is_set():
                if self._pause.is_set():
                    self._idle[number].set()
                    time.sleep(0.02)
                    continue
                for export in sender.exports():
                    self._deliver(sender, export)
                time.sleep(PACE)
        finally:
            sender.close()

    def _deliver(self, sender: _Sender, export: Export) -> None:
        while not self._stop.is_set():
            outcome = sender.post(export)
            if outcome == "acknowledged" and export.path == TRACES:
                self._stack.acknowledged |= read_span_ids(export.body)
            elif outcome == "acknowledged":
                self._stack.acknowledged_events |= read_event_names(export.body)
            elif outcome not in {"busy", "away", "no answer"}:
                self.broken_promises.append(outcome)
            self.answers[outcome] += 1
            if outcome == "acknowledged":
                return
            time.sleep(0.1)  # less than asked for, so that the server is under load when it comes back


class _Sender:
    """One client with one connection, which it opens again when it breaks."""

    def __init__(self, stack: Stack, chance: random.Random) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=30)
        self._headers = {"Authorization": f"Bearer {stack.token}", "Content-Type": PROTOBUF}
        self._generator = TraceGenerator(SYSTEM, seed=chance.getrandbits(32))
        self._chance = chance
        self._last = self._generator.make_body(1)

    def close(self) -> None:
        self._connection.close()

    def post(self, export: Export) -> str:
        """Return "acknowledged", "busy" (429), "away" (503), "no answer", or what should not have been answered."""
        try:
            self._connection.request("POST", export.path, export.body, self._headers)
            response = self._connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return "no answer"
        if response.status == 200 and not answer:
            return "acknowledged"
        honest = response.getheader("Retry-After") and response.getheader("Content-Type") == PROTOBUF
        if response.status in {429, 503} and honest:
            return "busy" if response.status == 429 else "away"
        return f"{response.status} {response.getheader('Content-Type')} {answer[:300]!r}"

    def exports(self) -> Iterator[Export]:
        """Yield what this sender says next: traces, and now and then evaluation events, both also repeated."""
        for body in self._trace_bodies():
            yield Export(TRACES, body)
        if self._chance.random() < 0.2:
            events = [self._chance.randbytes(8).hex() for _ in range(3)]
            yield Export(LOGS, _events_body(events[:2]))
            yield Export(LOGS, _events_body(events))

    def _trace_bodies(self) -> Iterator[bytes]:
        """Yield whole traces, traces in parts, the same again, or old and new mixed."""
        whole = self._generator.make_body(TRACES_A_BODY)
        kind = self._chance.random()
        if kind < 0.3:
            first, second = self._cut(whole)
            yield first
            if self._chance.random() < 0.2:
                time.sleep(LATE)
            yield second
        elif kind < 0.4:
            yield whole
            yield whole
        elif kind < 0.5:
            yield _body_of(whole, [*_spans_of(self._last), *_spans_of(whole)])
        else:
            yield whole
        self._last = whole

    def _cut(self, body: bytes) -> tuple[bytes, bytes]:
        """Return the spans of a body in two parts, in any order."""
        spans = _spans_of(body)
        self._chance.shuffle(spans)
        at = self._chance.randint(1, len(spans) - 1)
        return _body_of(body, spans[:at]), _body_of(body, spans[at:])


def read_span_ids(body: bytes) -> SpanIds:
    return {(span.trace_id.hex(), span.span_id.hex()) for span in _spans_of(body)}


def _spans_of(body: bytes) -> list[Span]:
    return list(ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans[0].spans)


def _body_of(like: bytes, spans: Iterable[Span]) -> bytes:
    """Return a body of these spans under the same resource and scope."""
    request = ExportTraceServiceRequest.FromString(like)
    scope = request.resource_spans[0].scope_spans[0]
    chosen = list(spans)
    del scope.spans[:]
    scope.spans.extend(chosen)
    return bytes(request.SerializeToString())


def read_event_names(body: bytes) -> set[str]:
    records = ExportLogsServiceRequest.FromString(body).resource_logs[0].scope_logs[0].log_records
    return {
        pair.value.string_value for record in records for pair in record.attributes if pair.key == EVENT_NAME
    }


def _events_body(names: Iterable[str]) -> bytes:
    """Return a body of evaluation events of one metric, each told apart by its explanation."""
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.add(key="service.name").value.string_value = SYSTEM
    scope = group.scope_logs.add()
    for name in names:
        record = scope.log_records.add(time_unix_nano=EVENT_TIME, event_name="gen_ai.evaluation.result")
        record.attributes.add(key="gen_ai.evaluation.name").value.string_value = "groundedness"
        record.attributes.add(key="gen_ai.evaluation.score.value").value.double_value = 0.5
        record.attributes.add(key=EVENT_NAME).value.string_value = name
    return bytes(request.SerializeToString())
