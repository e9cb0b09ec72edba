"""The logs signal: `gen_ai.evaluation.result` events are taken, every other record is refused with a reason.

Source: OpenTelemetry GenAI semantic conventions, "Event: gen_ai.evaluation.result".
"""

from __future__ import annotations

from typing import Final

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from evidence.otlp.errors import ItemRefused, RejectCode
from evidence.otlp.groups import BrokenItem, ItemGroup, digest_prefix, dump_broken, dump_rejected
from evidence.otlp.limits import LAST_NS, Limits
from evidence.otlp.records import EvaluationRecord, LogBatch, RejectRecord
from evidence.otlp.spans import check_id, read_system_key
from evidence.otlp.values import check_no_nul, dump_json, read_attributes

EVALUATION_EVENT: Final = "gen_ai.evaluation.result"


def read_log_group(group: ItemGroup[LogRecord], limits: Limits, batch: LogBatch) -> None:
    """Add the group's evaluation events and refusals to the batch."""
    hasher = digest_prefix(group)
    system_key, problem = "", None
    try:
        system_key = read_system_key(read_attributes(group.resource.attributes, limits))
    except ItemRefused as exc:
        problem = ItemRefused(RejectCode.MALFORMED_RESOURCE, f"the resource: {exc.detail}")
    for item in group.items:
        position = batch.n_items
        batch.n_items += 1
        of_item = hasher.copy()
        if isinstance(item, BrokenItem):
            of_item.update(item.raw)
            batch.rejects.append(_reject_broken(item, position, system_key, of_item.hexdigest(), limits))
            continue
        of_item.update(item.SerializeToString(deterministic=True))
        try:
            if problem is not None:
                raise problem
            batch.evaluations.append(
                _read_evaluation(item, position, system_key, of_item.hexdigest(), limits)
            )
        except ItemRefused as exc:
            batch.rejects.append(_reject_log(item, position, system_key, of_item.hexdigest(), exc, limits))


def _read_evaluation(
    record: LogRecord, position: int, system_key: str, digest: str, limits: Limits
) -> EvaluationRecord:
    attributes = read_attributes(record.attributes, limits)
    event = record.event_name or attributes.get("event.name")
    if event != EVALUATION_EVENT:
        raise ItemRefused(
            RejectCode.UNSUPPORTED_LOG_RECORD,
            f"only {EVALUATION_EVENT} events are taken, this is {str(event)[:80]}",
        )
    if record.trace_id:
        check_id(record.trace_id, bytes(16), RejectCode.INVALID_TRACE_ID, "trace id")
    if record.span_id:
        check_id(record.span_id, bytes(8), RejectCode.INVALID_SPAN_ID, "span id")
    observed_ns = record.time_unix_nano or record.observed_time_unix_nano
    if not 0 < observed_ns <= LAST_NS:
        raise ItemRefused(RejectCode.TIME_OUT_OF_RANGE, "the event has no time or one beyond the year 2262")
    text = dump_json(attributes)
    check_no_nul(text)
    if len(text) > limits.attribute_bytes:
        raise ItemRefused(
            RejectCode.TEXT_TOO_LONG,
            f"the attributes have {len(text)} bytes, the limit is {limits.attribute_bytes}",
        )
    return EvaluationRecord(
        position=position,
        system_key=system_key,
        trace_id=record.trace_id.hex() or None,
        span_id=record.span_id.hex() or None,
        observed_ns=observed_ns,
        name=_read_name(attributes),
        score_value=_read_score(attributes),
        score_label=_read_text(attributes, "gen_ai.evaluation.score.label"),
        explanation=_read_text(attributes, "gen_ai.evaluation.explanation"),
        response_id=_read_text(attributes, "gen_ai.response.id"),
        error_type=_read_text(attributes, "error.type"),
        attributes=text,
        digest=digest,
    )


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


def _reject_log(
    record: LogRecord, position: int, system_key: str, digest: str, problem: ItemRefused, limits: Limits
) -> RejectRecord:
    fields = MessageToDict(record, preserving_proto_field_name=True)
    for name, value in (("trace_id", record.trace_id), ("span_id", record.span_id)):
        if value:
            fields[name] = value.hex()
    return RejectRecord(
        position=position,
        code=problem.code,
        detail=problem.detail,
        system_key=system_key,
        trace_id=record.trace_id.hex() if len(record.trace_id) == 16 else None,
        span_id=record.span_id.hex() if len(record.span_id) == 8 else None,
        item_digest=digest,
        item=dump_rejected(fields, limits),
    )


def _reject_broken(
    item: BrokenItem, position: int, system_key: str, digest: str, limits: Limits
) -> RejectRecord:
    return RejectRecord(
        position,
        item.code,
        item.detail,
        system_key,
        item.trace_id,
        item.span_id,
        digest,
        dump_broken(item, limits),
    )
