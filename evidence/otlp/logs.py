"""The logs signal: events of the GenAI conventions are taken, every other record is refused with a reason.

`gen_ai.evaluation.result` events become samples of eval runs. All other events whose name begins with `gen_ai.` hold
what a model was asked and what it answered: each becomes a row beside the span it names (`evidence.otlp.companions`).
The lines that an application logs are no evidence of an answer, and may say anything about anybody: of those no text
stays, unless the settings say so.

Source: OpenTelemetry GenAI semantic conventions, "Events"; before 1.36 `gen_ai.user.message`, `gen_ai.choice` and their
like.
"""

from __future__ import annotations

from typing import Any, Final

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from evidence.otlp.companions import identified
from evidence.otlp.errors import ItemRefused, RejectCode
from evidence.otlp.groups import ItemGroup
from evidence.otlp.limits import LAST_NS, Limits
from evidence.otlp.records import EvaluationRecord, LogBatch, SpanRecord
from evidence.otlp.spans import GroupReader, check_id
from evidence.otlp.values import (
    LOG_BODY_KEY,
    LOG_EVENT_KEY,
    dump_json,
    move_large_values,
    read_attributes,
    read_value,
)

EVALUATION_EVENT: Final = "gen_ai.evaluation.result"
_EVENTS: Final = "gen_ai."
NOTHING_KEPT: Final = b"null"  # of a refused record whose text is no affair of ours


def read_log_group(group: ItemGroup[LogRecord], limits: Limits, batch: LogBatch) -> None:
    """Add the group's events and refusals to the batch."""
    reader = GroupReader(group, limits, batch)
    for position, record in reader.count_and_admit(group, batch):
        kept_blobs = len(batch.blobs)
        try:
            _read_record(record, position, reader, batch)
        except ItemRefused as exc:
            del batch.blobs[kept_blobs:]
            forgotten = exc.code is RejectCode.UNSUPPORTED_LOG_RECORD and not limits.keep_app_logs
            refusal = reader.reject(record, position, exc, kept=NOTHING_KEPT if forgotten else None)
            batch.rejects.append(refusal)


def _read_record(record: LogRecord, position: int, reader: GroupReader, batch: LogBatch) -> None:
    reader.check()
    attributes = read_attributes(record.attributes, reader.limits)
    event = record.event_name or attributes.get("event.name")
    if event == EVALUATION_EVENT:
        batch.evaluations.append(_read_evaluation(record, attributes, position, reader))
    elif isinstance(event, str) and event.startswith(_EVENTS):
        batch.events.append(_read_event(record, event, attributes, position, reader))
    else:
        raise ItemRefused(
            RejectCode.UNSUPPORTED_LOG_RECORD,
            f"only events of the GenAI conventions are taken, whose names begin with {_EVENTS}; application logs "
            "belong elsewhere: do not send them here",
        )


def _read_event(
    record: LogRecord, event: str, attributes: dict[str, Any], position: int, reader: GroupReader
) -> SpanRecord:
    """Return the row of an event, beside the span it names."""
    if not record.trace_id or not record.span_id:
        raise ItemRefused(
            RejectCode.LOG_EVENT_WITHOUT_SPAN,
            f"{event[:80]} names no span: emit it within one, so that it carries its trace id and span id",
        )
    _check_ids(record)
    at = _read_time(record)
    attributes[LOG_EVENT_KEY] = {"name": event}
    if record.HasField("body"):
        attributes[LOG_BODY_KEY] = read_value(record.body, reader.limits, 0)
    name = event
    if reader.must_escape(dump_json([attributes, name])):
        attributes, texts = reader.escape(attributes, {"name": name})
        name = texts["name"]
    if len(name.encode()) > reader.limits.text_bytes:
        raise ItemRefused(RejectCode.TEXT_TOO_LONG, "the event's name is too long")
    if len(dump_json(attributes)) > reader.limits.attribute_bytes:
        place = f"log record {position}"
        attributes = move_large_values(attributes, limits=reader.limits, place=place, blobs=reader.blobs)
    row = SpanRecord(
        position=position,
        system_key=reader.system_key,
        trace_id=record.trace_id.hex(),
        span_id="",
        parent_span_id=record.span_id.hex(),
        name=name,
        kind=0,
        start_ns=at,
        end_ns=at,
        status_code=0,
        status_message="",
        attributes=dump_json(attributes),
        events=b"[]",
        links=b"[]",
        resource=reader.resource,
        scope=reader.scope,
        digest="",
    )
    return identified(row, attributes)


def _read_evaluation(
    record: LogRecord, attributes: dict[str, Any], position: int, reader: GroupReader
) -> EvaluationRecord:
    _check_ids(record)
    if reader.must_escape(dump_json(attributes)):
        attributes, _ = reader.escape(attributes, {})
    text = dump_json(attributes)
    if len(text) > reader.limits.attribute_bytes:
        raise ItemRefused(
            RejectCode.TEXT_TOO_LONG,
            f"the attributes have {len(text)} bytes, the limit is {reader.limits.attribute_bytes}",
        )
    return EvaluationRecord(
        position=position,
        system_key=reader.system_key,
        trace_id=record.trace_id.hex() or None,
        span_id=record.span_id.hex() or None,
        observed_ns=_read_time(record),
        name=_read_name(attributes),
        score_value=_read_score(attributes),
        score_label=_read_text(attributes, "gen_ai.evaluation.score.label"),
        explanation=_read_text(attributes, "gen_ai.evaluation.explanation"),
        response_id=_read_text(attributes, "gen_ai.response.id"),
        error_type=_read_text(attributes, "error.type"),
        attributes=text,
        digest=reader.digest(record.SerializeToString(deterministic=True)),
    )


def _check_ids(record: LogRecord) -> None:
    if record.trace_id:
        check_id(record.trace_id, bytes(16), RejectCode.INVALID_TRACE_ID, "trace id")
    if record.span_id:
        check_id(record.span_id, bytes(8), RejectCode.INVALID_SPAN_ID, "span id")


def _read_time(record: LogRecord) -> int:
    """Return when it was, else when it was observed; nanoseconds since 1970, UTC."""
    at = record.time_unix_nano or record.observed_time_unix_nano
    if not 0 < at <= LAST_NS:
        raise ItemRefused(RejectCode.TIME_OUT_OF_RANGE, "the event has no time or one beyond the year 2262")
    return at


def _read_name(attributes: dict[str, object]) -> str:
    name = attributes.get("gen_ai.evaluation.name")
    if not isinstance(name, str) or not name:
        raise ItemRefused(RejectCode.INVALID_EVALUATION, "gen_ai.evaluation.name is missing")
    return name


def _read_score(attributes: dict[str, object]) -> float | None:
    """Return the score; NaN and the infinities, which values carries as texts, mean unscored."""
    match attributes.get("gen_ai.evaluation.score.value"):
        case None | "NaN" | "Infinity" | "-Infinity":
            return None
        case bool():
            pass
        case int() | float() as value:
            return float(value)
    raise ItemRefused(RejectCode.INVALID_EVALUATION, "gen_ai.evaluation.score.value is not a number")


def _read_text(attributes: dict[str, object], name: str) -> str | None:
    value = attributes.get(name)
    if value is None or isinstance(value, str):
        return value
    raise ItemRefused(RejectCode.INVALID_EVALUATION, f"{name} is not a text")
