"""Exchanges, sources, errors and flags of a trace as JSON: how they are stored, answered and packed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from evidence.semconv.draft import Attachment, Candidate, Exchange, Flag, Source, StepError, Told


class SourceJson(TypedDict):
    """Where something was read."""

    span_id: str
    attribute: str
    rule: str  # of `draft.Rule`


class CandidateJson(TypedDict):
    """A text that could have been the one."""

    text: str
    source: SourceJson


class ToldJson(TypedDict):
    """A question or an answer; `absent`, of `draft.Absent`, is empty where there is a text."""

    text: str
    source: SourceJson | None
    absent: str
    others: list[CandidateJson]


class AttachmentJson(TypedDict):
    """What was sent beside the words."""

    span_id: str
    media_type: str
    reference: str
    role: str


class ExchangeJson(TypedDict):
    """One turn of a trace."""

    number: int
    question: ToldJson
    answer: ToldJson
    span_id: str
    finish_reason: str
    refused: bool
    answer_is_prose: bool
    attachments: list[AttachmentJson]


class StepErrorJson(TypedDict):
    """A step that failed."""

    span_id: str
    step: str
    message: str


class FlagJson(TypedDict):
    """Something a reader of the trace should know."""

    code: str
    detail: str
    span_id: str


def exchange_as_json(exchange: Exchange) -> ExchangeJson:
    """Return one turn."""
    return {
        "number": exchange.number,
        "question": _told(exchange.question),
        "answer": _told(exchange.answer),
        "span_id": exchange.span_id,
        "finish_reason": exchange.finish_reason,
        "refused": exchange.refused,
        "answer_is_prose": exchange.answer_is_prose,
        "attachments": [_attachment(one) for one in exchange.attachments],
    }


def sources_as_json(sources: Mapping[str, Source]) -> dict[str, SourceJson]:
    """Return where each field was read, by its name."""
    return {field: _source(source) for field, source in sorted(sources.items())}


def errors_as_json(errors: tuple[StepError, ...]) -> list[StepErrorJson]:
    """Return the steps that failed."""
    return [{"span_id": one.span_id, "step": one.step, "message": one.message} for one in errors]


def flags_as_json(flags: Iterable[Flag]) -> list[FlagJson]:
    """Return what a reader of the trace should know."""
    return [{"code": one.code, "detail": one.detail, "span_id": one.span_id} for one in flags]


def place_as_json(source: Source | None) -> dict[str, Any] | None:
    """Return where in its own span a part of a trace was read, which names the span beside it."""
    return None if source is None else {"attribute": source.attribute, "rule": source.rule.value}


def _told(told: Told) -> ToldJson:
    return {
        "text": told.text,
        "source": None if told.source is None else _source(told.source),
        "absent": "" if told.absent is None else told.absent.value,
        "others": [_candidate(one) for one in told.others],
    }


def _candidate(candidate: Candidate) -> CandidateJson:
    return {"text": candidate.text, "source": _source(candidate.source)}


def _source(source: Source) -> SourceJson:
    return {"span_id": source.span_id, "attribute": source.attribute, "rule": source.rule.value}


def _attachment(one: Attachment) -> AttachmentJson:
    return {
        "span_id": one.span_id,
        "media_type": one.media_type,
        "reference": one.reference,
        "role": one.role,
    }
