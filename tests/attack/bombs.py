"""Bodies that are small to send and dear to read, at each door that takes one.

Compression, Unicode that expands, JSON and YAML that are deep or wide, gzip of many members, long keys, and texts on
which a careless regular expression takes for ever. A door must answer each with an error that names itself, or take
it, within `MOST_CPU` seconds of processor time and `MOST_MEMORY` bytes.
"""

from __future__ import annotations

import gzip
import json
import resource
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode
from uuid import UUID, uuid4

from django.utils import timezone
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from evidence.models import Reject, Scope, Trace
from evidence.services.assembly import assemble_due_traces
from tests.attack.wire import Answer, Send, bearer, session_of
from tests.e2e.cases import make_task
from tests.evidence.eval_files import eval_file
from tests.evidence.otlp_bodies import JSON, PROTOBUF, make_request, make_span
from tests.evidence.stored_spans import store_spans
from tests.evidence.test_assembly import spans_of
from tests.factories import World
from tests.fuzz.answers import CODES

MOST_CPU: Final = 10.0  # seconds of the server and the database for one request
MOST_MEMORY: Final = 1024 * 1024 * 1024  # bytes a process of the server may grow by for one request
_YAML: Final = "application/yaml"
_FORM: Final = "application/x-www-form-urlencoded"
_LISTS: Final = {
    "/v1/traces": ("resourceSpans", "scopeSpans", "spans"),
    "/v1/logs": ("resourceLogs", "scopeLogs", "logRecords"),
}


class Meter(Protocol):
    """Tells what a request cost."""

    def start(self) -> None:
        """Begin to count."""

    def stop(self) -> tuple[float, int]:
        """Return the seconds of processor time since, and the bytes by which memory grew at its peak."""


class OwnProcess:
    """Counts this process, where the server runs in it. Its peak is that of its whole life."""

    def start(self) -> None:
        """Begin to count."""
        self._cpu, self._peak = time.process_time(), _own_peak()

    def stop(self) -> tuple[float, int]:
        """Return what it took since."""
        return time.process_time() - self._cpu, _own_peak() - self._peak


def _own_peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@dataclass(frozen=True)
class Bomb:
    """One request."""

    door: str
    kind: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""
    method: str = "POST"


@dataclass
class Blown:
    """What became of the bombs."""

    kinds: dict[str, Counter[str]] = field(default_factory=dict)  # door -> answers by status and code
    cpu: dict[str, float] = field(default_factory=dict)  # door -> the most seconds of one request
    memory: dict[str, int] = field(default_factory=dict)  # door -> the most bytes
    dearest: dict[str, str] = field(default_factory=dict)  # door -> the kind that took the most seconds
    faults: list[str] = field(default_factory=list)

    @property
    def bombs(self) -> int:
        """How many were sent."""
        return sum(answers.total() for answers in self.kinds.values())

    def note(self, door: str, kind: str, told: str, fault: str, cost: tuple[float, int]) -> None:
        """Count one of them, with what was said and what it cost."""
        cpu, memory = cost
        self.kinds.setdefault(door, Counter())[told] += 1
        if cpu >= self.cpu.get(door, 0):
            self.cpu[door], self.dearest[door] = cpu, kind
        self.memory[door] = max(memory, self.memory.get(door, 0))
        too_dear = [f"{cpu:.1f} s of processor time"] if cpu > MOST_CPU else []
        too_large = [f"{memory >> 20} MiB"] if memory > MOST_MEMORY else []
        self.faults += [f"{door}: {kind}: {why}" for why in (fault, *too_dear, *too_large) if why]


def send_bombs(send: Send, world: World, meter: Meter, *, scale: float = 1.0, every: int = 1) -> Blown:
    """Send every bomb to every door.

    Args:
        scale: by which sizes are multiplied; 1 is as large as the doors take, or larger.
        every: how many are left out between two, and one.
    """
    found = Blown()
    for bomb in islice(bombs(world, scale), 0, None, every):
        meter.start()
        answer = send(bomb.method, bomb.path, bomb.headers, bomb.body)
        told = f"{answer.status} {answer.code}".strip()
        found.note(bomb.door, bomb.kind, told, _fault_of(answer), meter.stop())
    for trace in islice(_hostile_traces(world, int(200_000 * scale)), 0, None, every):
        _assemble(found, world, *trace)
    return found


def _fault_of(answer: Answer) -> str:
    """Return what is wrong with an answer; a refusal is a documented problem, or a form that says what is wrong."""
    if answer.status >= 500:
        return str(answer.status)
    if answer.status < 400 or CODES.get(answer.code) == answer.status or b"errorlist" in answer.content:
        return ""
    return f"{answer.status} without a code: {answer.content[:100]!r}"


def _hostile_traces(world: World, n: int) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield attributes of a trace for each hostile text, in the question, the answer and a quotation."""
    for kind, text in hostile_texts(n):
        cited = {"index": f"{world.system.key}-docs", "document": "DOC-1", "quote": text}
        claims = json.dumps([{"text": text, "material": True, "citations": [cited]}])
        for name, value in (("question", text), ("answer", text), ("claims", claims)):
            yield f"{name} of {kind}", {f"tracebinder.{name}": value}


def _assemble(found: Blown, world: World, kind: str, attributes: dict[str, str]) -> None:
    """Assemble a trace as a worker does, in this process."""
    meter, trace_id = OwnProcess(), uuid4()
    store_spans(world.system, trace_id, spans_of(world, **attributes))
    meter.start()
    assemble_due_traces(limit=1_000)  # with what the doors took meanwhile
    cost, told = meter.stop(), _became_of(trace_id)
    found.note("assembly", kind, told, "" if told else "neither sealed nor set aside", cost)


def _became_of(trace_id: UUID) -> str:
    if Trace.objects.filter(trace_id=trace_id).exists():
        return "sealed"
    reject = Reject.objects.filter(trace_id=trace_id.hex).first()
    return f"set aside, {reject.code}" if reject else ""


# Texts.


def hostile_texts(n: int) -> Iterator[tuple[str, str]]:
    """Yield texts of about that many characters, each with what it is meant to break."""
    yield "one letter, often", "a" * n
    yield "U+FDFA, which becomes 18 letters", "\ufdfa" * (n // 3)
    yield "combining marks", "e" + "\u0301\u0323" * (n // 2)
    yield "spaces and then none", " " * n + "x"
    yield "nearly a number", "1" * n + "x"
    yield "nearly a date", "2026-01-01T" * (n // 11)
    yield "brackets that stay open", "([{" * (n // 3)
    yield "sentences of one letter", "a. " * (n // 3)
    yield "words that nearly repeat", "ab" * (n // 2) + "c"
    yield "bidirectional marks", "\u202e\u2066" * (n // 2)
    yield "new lines", "\n" * n


def hostile_json(n: int) -> Iterator[tuple[str, bytes]]:
    """Yield JSON of about that many bytes that is dear to read."""
    yield "deep arrays", b"[" * (n // 2) + b"]" * (n // 2)
    yield "deep objects", b'{"a":' * (n // 6) + b"1" + b"}" * (n // 6)
    yield "wide object", json.dumps({f"k{number}": 0 for number in range(n // 12)}).encode()
    yield "one key, often", b"{" + b",".join([b'"a":1'] * (n // 6)) + b"}"
    yield "long key", json.dumps({"k" * n: 1}).encode()
    yield "wide array", b"[" + b",".join([b"1"] * (n // 2)) + b"]"
    yield "number of many digits", b'{"a":' + b"9" * n + b"}"
    yield "number of a large exponent", b'{"a":1e' + b"9" * 400 + b"}"
    yield "escapes", b'{"a":"' + b"\\u0000" * (n // 6) + b'"}'
    yield "not closed", b'{"a":"' + b"x" * n


# Doors.


def bombs(world: World, scale: float) -> Iterator[Bomb]:
    """Yield every bomb, door by door."""
    everything = bearer(world.token(*Scope))
    yield from _telemetry(everything, scale)
    yield from _eval_files(world, everything, scale)
    yield from _yaml(world, everything, scale)
    yield from _bodies(world, everything, scale)
    yield from _pages(world, scale)
    yield from _addresses(everything, scale)


def _telemetry(headers: Mapping[str, str], scale: float) -> Iterator[Bomb]:
    n = int(4_000_000 * scale)
    for path in ("/v1/traces", "/v1/logs"):
        for kind, body in _packed(n):
            packed = {**headers, "Content-Type": PROTOBUF, "Content-Encoding": kind.partition(":")[0]}
            yield Bomb(path, kind, path, packed, body)
        for kind, body in (*hostile_json(n), *_otlp_json(path, n)):
            yield Bomb(path, kind, path, {**headers, "Content-Type": JSON}, body)
        for kind, body in _protobuf(path, n):
            yield Bomb(path, kind, path, {**headers, "Content-Type": PROTOBUF}, body)


def _packed(n: int) -> Iterator[tuple[str, bytes]]:
    yield "gzip: zeros", gzip.compress(bytes(40 * n))
    yield "gzip: many members", gzip.compress(b"") * (n // 20)
    yield "gzip: many members of one byte", gzip.compress(b"\0") * (n // 21)
    yield "gzip: packed twice", gzip.compress(gzip.compress(bytes(40 * n)))
    yield "gzip: cut short", gzip.compress(bytes(n))[:-9]
    yield "deflate: zeros", zlib.compress(bytes(40 * n))
    yield "deflate: many streams", zlib.compress(b"") * (n // 8)
    yield "br: an encoding that is not taken", bytes(64)


def _otlp_json(path: str, n: int) -> Iterator[tuple[str, bytes]]:
    outer, inner, items = _LISTS[path]
    compact = json.JSONEncoder(separators=(",", ":")).encode
    yield "many resources", compact({outer: [{}] * (n // 3)}).encode()
    yield "many items", compact({outer: [{inner: [{items: [{}] * (n // 3)}]}]}).encode()
    for levels in (400, n // 30):
        value = '{"arrayValue":{"values":[' * levels + '{"stringValue":"x"}' + "]}}" * levels
        item = f'{{"attributes":[{{"key":"a","value":{value}}}]}}'
        yield f"attribute {levels} deep", f'{{"{outer}":[{{"{inner}":[{{"{items}":[{item}]}}]}}]}}'.encode()


def _protobuf(path: str, n: int) -> Iterator[tuple[str, bytes]]:
    for kind, text in hostile_texts(n // 4):
        attributes = {"gen_ai.evaluation.name": text, "tracebinder.answer": text, "tracebinder.claims": text}
        if path == "/v1/traces":
            yield (
                f"a span that says {kind}",
                make_request(make_span(name=text[:200], attributes=attributes)).SerializeToString(),
            )
        else:
            yield f"a record that says {kind}", _log_of(attributes)
    many = {f"key{number}": "v" for number in range(n // 20)}
    yield "many attributes", make_request(make_span(attributes=many)).SerializeToString()
    yield "long key", make_request(make_span(attributes={"k" * n: "v"})).SerializeToString()
    yield "deep attribute as protobuf", _deep(10_000)
    yield "a length that is not there", b"\x0a\xff\xff\xff\xff\x07" + bytes(64)
    yield "groups inside each other", b"\x0b" * n


def _deep(levels: int) -> bytes:
    """Return a request with an attribute of arrays inside each other, deeper than the library of protobuf writes."""
    value = AnyValue(string_value="x").SerializeToString()
    for _ in range(levels):
        value = _field(5, _field(1, value))  # AnyValue.array_value, ArrayValue.values
    attribute = _field(1, b"deep") + _field(2, value)  # KeyValue
    span = make_span().SerializeToString() + _field(9, attribute)
    return _field(1, _field(2, _field(2, span)))  # resource_spans, scope_spans, spans


def _field(number: int, content: bytes) -> bytes:
    """Return a field of a protobuf message that holds bytes."""
    length, n = bytearray(), len(content)
    while n > 127:
        length.append(n & 127 | 128)
        n >>= 7
    return bytes([number << 3 | 2, *length, n]) + content


def _log_of(attributes: Mapping[str, str]) -> bytes:
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.add(key="service.name").value.string_value = "credit-assistant"
    record = group.scope_logs.add().log_records.add(event_name="gen_ai.evaluation.result")
    for key, text in attributes.items():
        record.attributes.add(key=key).value.string_value = text
    return bytes(request.SerializeToString())


def _eval_files(world: World, headers: Mapping[str, str], scale: float) -> Iterator[Bomb]:
    n, door = int(8_000_000 * scale), "/api/v1/eval-runs"
    path, sent = f"{door}?system={world.system.key}", {**headers, "Content-Type": JSON}
    sample, texts = json.loads(eval_file([1.0]))["samples"][0], list(hostile_texts(n // 4))
    scores, metrics = (dict.fromkeys(_names(n // 40), value) for value in ({}, {"kind": "proportion"}))
    files = [
        *hostile_json(n),
        ("many samples", eval_file(samples=[{}] * (n // 8))),
        ("many scores of a sample", eval_file(samples=[{**sample, "scores": scores}])),
        ("many metrics", eval_file(metrics=metrics)),
        ("many slices", eval_file(samples=[{**sample, "slice": dict.fromkeys(_names(n // 20), "x")}])),
        *((f"a run key of {kind}", eval_file([1.0], run_key=text)) for kind, text in texts),
        *((f"an answer of {kind}", eval_file(samples=[{**sample, "output": text}])) for kind, text in texts),
    ]
    for kind, body in files:
        yield Bomb(door, kind, path, sent, body)
    yield Bomb(door, "gzip", path, {**sent, "Content-Encoding": "gzip"}, gzip.compress(bytes(40 * n)))


def _names(count: int) -> list[str]:
    return [f"name{number}" for number in range(max(count, 1))]


def _yaml(world: World, headers: Mapping[str, str], scale: float) -> Iterator[Bomb]:
    n, door = int(1_000_000 * scale), "/api/v1/requirements/import"
    laughs = "a0: &a0 [x]\n" + "".join(
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 12)
    )
    files = [
        ("aliases of aliases", laughs),
        ("one long alias, often", f"a: &a {'x' * (n // 2)}\nb: [{','.join(['*a'] * (n // 6))}]"),
        (
            "merge keys",
            "a0: &a0 {x: 1}\n" + "".join(f"a{i}: &a{i} {{<<: *a{i - 1}}}\n" for i in range(1, n // 40 + 2)),
        ),
        ("deep arrays", "[" * n),
        ("deep indents", "\n".join(" " * level + "a:" for level in range(min(int(n**0.5), 1_200)))),
        ("deep lists", "- " * (n // 2) + "x"),
        ("wide mapping", "".join(f"k{number}: 0\n" for number in range(n // 12))),
        ("a tag that makes objects", "!!python/object/apply:os.system ['true']"),
        ("many documents", "---\na: 1\n" * (n // 9)),
        ("base sixty", "a: " + "1:" * (n // 2) + "1"),
        ("many digits", "a: " + "9" * n),
        ("long key", "? " + "k" * n + "\n: 1"),
        *((f"a statement of {kind}", _requirement(text)) for kind, text in hostile_texts(n // 2)),
    ]
    for kind, text in files:
        path = f"{door}?system={world.system.key}"
        yield Bomb(
            door, kind, path, {**headers, "Content-Type": _YAML}, text.encode("utf-8", "surrogatepass")
        )


def _requirement(statement: str) -> str:
    one = {"key": "r", "statement": statement, "risk_tier": "high", "layer": "product", "owner": "o"}
    listed = [{**one, "review_every_days": 9, "criteria": []}]
    return json.dumps({"format": "tracebinder.requirements/1", "requirements": listed})


def _bodies(world: World, headers: Mapping[str, str], scale: float) -> Iterator[Bomb]:
    """Yield the bombs for each address of the API whose body is one JSON object."""
    n, sent, key = int(4_000_000 * scale), {**headers, "Content-Type": JSON}, world.system.key
    for door, body in _honest_bodies(world):
        for kind, raw in hostile_json(n):
            yield Bomb(door, kind, door, sent, raw)
        for name, value in body.items():
            many = value * (n // 100) if isinstance(value, list) else [value] * (n // 20)
            yield Bomb(door, f"many in {name}", door, sent, json.dumps({**body, name: many}).encode())
        for name in (name for name, value in body.items() if isinstance(value, str) and value != key):
            for kind, text in hostile_texts(n // 8):
                yield Bomb(door, f"{name} of {kind}", door, sent, json.dumps({**body, name: text}).encode())
        packed = {**sent, "Content-Encoding": "gzip"}
        yield Bomb(door, "gzip: zeros", door, packed, gzip.compress(bytes(10 * n)))


def _honest_bodies(world: World) -> Iterator[tuple[str, dict[str, Any]]]:
    system, now = {"system": world.system.key}, timezone.now().isoformat()
    pin = {"slot": "model", "kind": "model", "key": "smol", "label": "2", "digest": "a" * 64}
    task = make_task(world)
    yield "/api/v1/releases", {**system, "name": "r9", "pins": [pin]}
    yield "/api/v1/deployments", {**system, "environment": "e", "release": "r1", "effective_from": now}
    yield "/api/v1/versions/registrations", {**system, "kind": "model", "key": "k", "digest": "a" * 64}
    yield "/api/v1/gates", {**system, "key": "g9", "criteria": [{"requirement": "b"}]}
    yield "/api/v1/gates/g9/decisions", {**system, "release": "r1"}
    yield "/api/v1/gates/g9/versions/1/transitions", {**system, "to_state": "approved", "reason": "r"}
    yield "/api/v1/readings", {**system, "document": {"leave_out": [{"span": "title"}]}}
    yield "/api/v1/readings/try", {**system, "document": {}, "trace": task.trace.trace_id.hex}
    yield "/api/v1/readings/1/transitions", {**system, "to_state": "approved", "reason": "r"}
    reason = {"code": "tone", "kind": "other", "words": {"en": "Tone"}}
    yield "/api/v1/review-reasons", {**system, "reasons": [reason]}
    yield "/api/v1/reviews", {
        **system, "trace_id": task.trace.trace_id.hex, "decision": "reject", "reason_code": "unclear", "rationale": "r",
    }  # fmt: skip
    waiver = {"criterion_ref": "r/c", "reason": "r", "expires_at": now}
    yield "/api/v1/waiver-requests", {**system, "release": "r1", **waiver}
    yield "/api/v1/waiver-requests/1/transitions", {"to_state": "declined", "reason": "r"}
    answer = {"kind": "accepted", "words": "w", "expires_at": now, "replaces": 1}
    yield "/api/v1/defeaters/1/answers", answer
    yield "/api/v1/assessments", {**system, "release": "r1"}
    yield "/api/v1/probe-runs", {**system, "release": "r1", "probe": "induction.heads"}
    yield "/api/v1/probe-plans", {**system, "release": "r1", "probes": [{"probe": "induction.heads"}]}
    yield "/api/v1/dictionaries", {**system, "digest": "0" * 64}
    yield "/api/v1/features/1/labels", {"concept": "animals", "words": "w"}
    yield "/api/v1/requirements/lint", {"statement": "The system shows its sources.", "layer": "product"}
    yield "/api/v1/requirements/r/versions/1/transitions", {**system, "to_state": "in_review", "reason": "r"}
    label = {"sample": "s", "metric": "m", "value": 1.0}
    yield "/api/v1/label-sets", {**system, "run_key": "k", "labels": [label]}
    settled = {
        "trace_id": "0" * 32,
        "revision": 1,
        "decision": "reject",
        "rationale": "r",
        "corrected_answer": "c",
    }
    yield "/api/v1/adjudications", {**system, **settled}
    yield "/api/v1/retractions", {**system, "run_key": "k", "reason": "r"}
    yield "/api/v1/retractions/1/transitions", {"to_state": "declined", "reason": "r"}
    period = {"period_from": now, "period_to": now, "as_of": now}
    yield "/api/v1/binders", {**system, "release": "r1", "baseline": "", **period}


def _pages(world: World, scale: float) -> Iterator[Bomb]:
    """Yield the bombs for the forms that anybody, or a reviewer, may send."""
    n = int(1_000_000 * scale)
    task = make_task(world)
    forms = {
        "/admin/login/": ({"Cookie": "", **session_of(world.people["author"])}, {"username": "x", "password": "y"}),
        f"/admin/evidence/reviewtask/{task.pk}/change/": (
            session_of(world.people["reviewer"]), {"review": "1", "decision": "reject", "rationale": "r"},
        ),
        "/admin/auth/user/add/": (session_of(world.people["operator"]), {"username": "x", "last_name": "y"}),
        "/admin/evidence/waiverrequest/add/": (session_of(world.people["author"]), {"unmet": "r", "reason": "r"}),
    }  # fmt: skip
    for path, (headers, fields) in forms.items():
        door, sent = path.replace(f"/{task.pk}/", "/…/"), {**headers, "Content-Type": _FORM}
        yield Bomb(
            door,
            "many fields",
            path,
            sent,
            urlencode({f"f{number}": "" for number in range(n // 10)}).encode(),
        )
        yield Bomb(door, "one field, often", path, sent, b"a=1&" * (n // 4))
        for name in fields:
            for kind, text in hostile_texts(n // 8):
                yield Bomb(door, f"{name} of {kind}", path, sent, urlencode({**fields, name: text}).encode())
        yield Bomb(door, "many parts", path, *_multipart(headers, n // 100))


def _multipart(headers: Mapping[str, str], parts: int) -> tuple[dict[str, str], bytes]:
    part = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nx\r\n'
    return {**headers, "Content-Type": "multipart/form-data; boundary=b"}, part * parts + b"--b--\r\n"


def _addresses(headers: Mapping[str, str], scale: float) -> Iterator[Bomb]:
    """Yield the bombs that stand in an address: there is room for some kilobytes in one."""
    n = int(6_000 * scale)
    for kind, text in hostile_texts(n):
        asked = quote(text[: max(n // 12, 10)])
        for path in ("/api/v1/traces/", "/api/v1/gates/", "/log/tile/0/"):
            yield Bomb("addresses", f"{path} {kind}", path + asked, headers, method="GET")
        for name in ("system", "cursor", "since", "no_such_filter"):
            path = f"/api/v1/traces?{name}={asked}"
            yield Bomb("addresses", f"{name} of {kind}", path, headers, method="GET")
