"""OpenTelemetry: `gen_ai.evaluation.result` events as the collector's file exporter writes them.

Source: OpenTelemetry GenAI semantic conventions, "Events"; the protocol file exporter. Whatever else is in the file is
telemetry and no evaluation: it is counted and left out. An evaluation has no direction and no range there.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final

from backports.zstd import ZstdDecompressor, ZstdError

from evidence.evals.contracts import EvalFileError, SampleScore, ScoreStatus, VersionClaim
from evidence.evals.foreign.collected import Collected, Told
from evidence.evals.foreign.joined import Joined
from evidence.evals.foreign.notes import FormatNotes
from evidence.evals.foreign.texts import MAX_REASON, number_in, object_in, short_name, shown, text_in
from evidence.evals.measurements import Measurement, RemarkCode, Said
from evidence.evals.slices import read_slice
from evidence.evals.sources import Source
from evidence.otlp.body import PlainBody
from evidence.otlp.decode import decode_logs, decode_traces
from evidence.otlp.errors import OtlpError, RejectCode
from evidence.otlp.limits import Limits
from evidence.otlp.logs import EVALUATION_EVENT
from evidence.otlp.records import Encoding, EvaluationRecord, LogBatch, SpanRecord

_LIMITS: Final = Limits()
_MAX_REFUSED: Final = 10_000  # records and messages that cannot be read
_LENGTH: Final = 4  # bytes before each protobuf message, the most significant first
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_MODELS: Final = ("gen_ai.response.model", "gen_ai.request.model")
_NAMED: Final = ("gen_ai.evaluation.name", "gen_ai.evaluation.score.value", "gen_ai.evaluation.score.label",
                 "gen_ai.evaluation.explanation", "gen_ai.response.id", "error.type")  # fmt: skip
NOTES: Final = FormatNotes(
    tried=(
        "the collector's file exporter, JSON lines and protobuf, by its documents; semantic conventions "
        "1.37 and later"
    ),
    post="the export of logs, or of traces whose spans hold the events",
    reads=(
        "a measurement for each system; the answers by response, else by trace and span; each "
        "`gen_ai.evaluation.name` is a metric"
    ),
    poster="suite, evaluator, dataset, commit, status",
    flags="that no direction is said, labels without a value, records that are no evaluations",
)


def sniff(head: bytes, name: str) -> bool:
    """Whether a file is an export of OTLP: JSON with its lists, or protobuf that names the event."""
    text = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    if text.startswith(b"{"):
        return any(key in text[:4096] for key in (b'"resourceLogs"', b'"resourceSpans"', b'"resource_logs"'))
    binary = head.startswith((b"\x00", b"\n")) and not head.startswith(b"\n{")
    return binary and (EVALUATION_EVENT.encode() in head or name.endswith((".binpb", ".pb", ".otlp")))


def open_measurements(source: Source, poster: Said) -> Iterator[Measurement]:
    """Yield a measurement for each system whose answers were evaluated.

    Raises:
        EvalFileError: it is no export of OTLP, or no evaluation is in it.
    """
    del poster
    export = _Export()
    is_json = source.head().lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{")
    for body in _json_bodies(source) if is_json else _protobuf_bodies(source.open()):
        export.read(body, "json" if is_json else "protobuf")
    if not export.systems and not export.refused:
        raise EvalFileError(
            [f"no {EVALUATION_EVENT} event in it: post the export of the logs that hold them"]
        )
    yield from export.measurements()


def _json_bodies(source: Source) -> Iterator[bytes]:
    """Yield the lines; a file that is one request over several lines is one body."""
    first = source.open().readline(_LIMITS.body_bytes + 1).strip()
    if not first.endswith(b"}") or not _is_json(first):
        body = source.open().read(_LIMITS.body_bytes + 1)
        if _is_json(body):
            yield body
            return
    stream = source.open()
    while line := stream.readline(_LIMITS.body_bytes + 1):
        if line.strip():
            yield line.removeprefix(b"\xef\xbb\xbf")


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _protobuf_bodies(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the messages, each with its length before it; a file that begins with a field is one message."""
    head = stream.read(1)
    stream.seek(0)
    if head == b"\n":
        yield stream.read(_LIMITS.body_bytes + 1)
        return
    while prefix := stream.read(_LENGTH):
        length = int.from_bytes(prefix)
        if len(prefix) < _LENGTH or length > _LIMITS.body_bytes:
            raise EvalFileError(
                [f"a message of {length:,} bytes: the file is cut short, or no export of OTLP"]
            )
        message = stream.read(length)
        if len(message) < length:
            raise EvalFileError(["the last message is cut short: post the file whole"])
        yield _unpacked(message)


def _unpacked(message: bytes) -> bytes:
    if not message.startswith(_ZSTD):
        return message
    try:
        return ZstdDecompressor().decompress(message, _LIMITS.decoded_bytes)
    except ZstdError as exc:
        raise EvalFileError([f"a message cannot be unpacked: {exc}"]) from exc


@dataclass(slots=True)
class _System:
    """The evaluations of one system's answers."""

    joined: Joined
    times: list[int] = field(default_factory=list)  # nanoseconds: the first and the last
    models: set[str] = field(default_factory=set)


class _Export:
    """What is read of a file."""

    def __init__(self) -> None:
        self.systems: dict[str, _System] = {}
        self.refused: list[tuple[int, str, str, Any]] = []
        self._left_out: Counter[str] = Counter()
        self._bodies = 0

    def read(self, body: bytes, encoding: Encoding) -> None:
        """Read one request."""
        index, self._bodies = self._bodies, self._bodies + 1
        try:
            if encoding == "json" and b'"resourceSpans"' in body[:4096]:
                traces = decode_traces(PlainBody(body, encoding), _LIMITS)
                for span in traces.spans:
                    self._read_span(span)
                return
            batch = decode_logs(PlainBody(body, encoding), _LIMITS)
        except OtlpError as exc:
            self._refuse(index, "bad_message", f"message {index}: {exc}")
            return
        self._read_logs(index, batch)

    def measurements(self) -> Iterator[Measurement]:
        """Yield what was found; what could not be read counts against each."""
        systems = self.systems or {"": self._system("")}
        for name, system in systems.items():
            kept = system.joined.kept
            kept.key = name if len(systems) > 1 else ""
            for index, code, detail, item in self.refused:
                kept.reject(index, code, detail, item)
            if self._left_out:
                listed = ", ".join(f"{count} {what}" for what, count in sorted(self._left_out.items()))
                kept.remark(RemarkCode.UNREAD, f"no evaluations, left out: {listed}")
            model = next(iter(system.models)) if len(system.models) == 1 else None
            yield kept.measurement(
                Said(
                    model=VersionClaim(model, None, None) if model else None,
                    observed_from=_moment(min(system.times, default=None)),
                    observed_to=_moment(max(system.times, default=None)),
                )
            )

    # --- Records -------------------------------------------------------------------------------------------------
    def _read_logs(self, index: int, batch: LogBatch) -> None:
        for record in batch.evaluations:
            self._add(record)
        if batch.events:
            self._left_out["other events"] += len(batch.events)
        for reject in batch.rejects:
            if reject.code is RejectCode.UNSUPPORTED_LOG_RECORD:
                self._left_out["application logs"] += 1
            else:
                self._refuse(
                    index, reject.code.value, f"message {index}: {reject.detail}", json.loads(reject.item)
                )

    def _read_span(self, span: SpanRecord) -> None:
        """Read the evaluations that a span holds as its events."""
        events = [object_in(event) for event in json.loads(span.events)]
        found = [event for event in events if event.get("name") == EVALUATION_EVENT]
        if not found:
            self._left_out["spans"] += 1
        for event in found:
            attributes = object_in(event.get("attributes"))
            name, value, label, why, response, error = (attributes.get(key) for key in _NAMED)
            self._add(
                EvaluationRecord(
                    position=0,
                    system_key=span.system_key,
                    trace_id=span.trace_id,
                    span_id=span.span_id,
                    observed_ns=int(event.get("time_ns") or span.end_ns),
                    name=name if isinstance(name, str) else "",
                    score_value=None if isinstance(value, bool) else number_in(value),
                    score_label=text_in(label),
                    explanation=text_in(why),
                    response_id=text_in(response),
                    error_type=text_in(error),
                    attributes=json.dumps(attributes).encode(),
                    digest="",
                )
            )

    def _add(self, record: EvaluationRecord) -> None:
        system = self._system(record.system_key)
        kept, attributes = system.joined.kept, object_in(json.loads(record.attributes))
        metric = kept.declare(record.name or "evaluation", direction=None, everywhere=False)
        system.times = [min([*system.times, record.observed_ns]), max([*system.times, record.observed_ns])]
        if model := next((text for key in _MODELS if (text := text_in(attributes.get(key)))), None):
            system.models.add(short_name(model))
        conversation = attributes.get("gen_ai.conversation.id")
        subject = record.response_id or "/".join(filter(None, (record.trace_id, record.span_id)))
        told = Told(
            read_slice({"conversation": conversation}) if conversation else {}, trace_id=record.trace_id
        )
        system.joined.add(
            short_name(subject) or f"event {kept.n_samples}", told, _score(kept, metric, record)
        )

    def _system(self, name: str) -> _System:
        key = short_name(name)
        if key not in self.systems:
            if len(self.systems) >= 100:
                raise EvalFileError(["evaluations of more than 100 systems: post them one by one"])
            self.systems[key] = _System(Joined(Collected(key, "otel")))
        return self.systems[key]

    def _refuse(self, index: int, code: str, detail: str, item: object = None) -> None:
        if len(self.refused) >= _MAX_REFUSED:
            raise EvalFileError([f"more than {_MAX_REFUSED:,} records cannot be read; the last: {detail}"])
        self.refused.append((index, code, detail, item))


def _score(kept: Collected, metric: str, record: EvaluationRecord) -> SampleScore:
    said: Iterable[str | None] = (record.score_label, record.explanation)
    why = ": ".join(text for text in said if text)
    if record.error_type:
        return SampleScore(
            metric, ScoreStatus.ERROR, None, shown(f"{record.error_type} {why}".strip(), MAX_REASON)
        )
    if record.score_value is None:
        label = f"the label {record.score_label!r} and no value" if record.score_label else "no value"
        return SampleScore(metric, ScoreStatus.UNSCORED, None, shown(label, MAX_REASON))
    return kept.score(metric, record.score_value, why)


def _moment(nanoseconds: int | None) -> datetime | None:
    return None if nanoseconds is None else datetime.fromtimestamp(nanoseconds / 1e9, UTC)
