"""Who asked, in which conversation, and what it took: ids as given, tokens, cost, reasons for stopping, failures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from evidence.semconv.dialects import Meaning, Operation, attributes_for
from evidence.semconv.draft import StepError
from evidence.semconv.hearing import finish_reason
from evidence.semconv.span_view import SpanView, finite_number
from evidence.semconv.steps import Step, outermost

_CONVERSATION_ID: Final = attributes_for(Meaning.CONVERSATION_ID)
_SESSION_ID: Final = attributes_for(Meaning.SESSION_ID)
_USER_ID: Final = attributes_for(Meaning.USER_ID)
_INPUT_TOKENS: Final = attributes_for(Meaning.INPUT_TOKENS)
_OUTPUT_TOKENS: Final = attributes_for(Meaning.OUTPUT_TOKENS)
_COST: Final = attributes_for(Meaning.COST)
_CURRENCY: Final = attributes_for(Meaning.CURRENCY)
_ERROR_TYPE: Final = attributes_for(Meaning.TOOL_ERROR)
_FIGURES: Final = frozenset({*_INPUT_TOKENS, *_OUTPUT_TOKENS, *_COST})
_IDS: Final = frozenset({*_CONVERSATION_ID, *_SESSION_ID, *_USER_ID})
_CALLS: Final = frozenset({Operation.CHAT, Operation.EMBEDDING})
_ERROR: Final = 2  # OTLP status code


@dataclass(frozen=True, slots=True)
class Usage:
    """Ids as given, that of the outermost span first; figures over all model calls, None where no span says."""

    conversation_ids: tuple[str, ...]
    session_ids: tuple[str, ...]
    user_ids: tuple[str, ...]
    input_tokens: int | None
    output_tokens: int | None
    cost: Decimal | None
    currency: str


def read_usage(steps: Sequence[Step]) -> Usage:
    """Return who asked and what it took; costs are as sent and never computed here.

    Args:
        steps: all of the trace, each parent before its children.
    """
    named = [step for step in steps if not _IDS.isdisjoint(step.span.attributes)]
    counting = _counting(steps)
    costs = [cost for step in counting if (cost := _cost_of(step)) is not None]
    currency = (
        next((name for step in counting if (name := step.span.label(*_CURRENCY))), "USD") if costs else ""
    )
    return Usage(
        conversation_ids=_read_ids(named, _CONVERSATION_ID),
        session_ids=_read_ids(named, _SESSION_ID),
        user_ids=_read_ids(named, _USER_ID),
        input_tokens=_count(counting, _INPUT_TOKENS),
        output_tokens=_count(counting, _OUTPUT_TOKENS),
        cost=sum(costs, Decimal()) if costs else None,
        currency=currency,
    )


def _read_ids(steps: Iterable[Step], keys: tuple[str, ...]) -> tuple[str, ...]:
    values = (step.span.label(key) for step in steps for key in keys if key in step.span.attributes)
    return tuple(dict.fromkeys(value for value in values if value))


def _count(steps: Iterable[Step], keys: tuple[str, ...]) -> int | None:
    counted = [number for step in steps if (number := step.span.whole_number(*keys)) is not None]
    return sum(counted) if counted else None


def _cost_of(step: Step) -> Decimal | None:
    attributes = step.span.attributes
    for key in _COST:
        if key in attributes and (value := finite_number(attributes[key])) is not None:
            return Decimal(str(value))
    return None


def read_finish_reasons(steps: Iterable[Step]) -> tuple[str, ...]:
    """Return why the model calls stopped, each reason once."""
    reasons = (finish_reason(step.span, step.answered) for step in steps if step.operation is Operation.CHAT)
    return tuple(dict.fromkeys(reason for reason in reasons if reason))


def read_errors(steps: Iterable[Step]) -> tuple[StepError, ...]:
    """Return the steps that failed, in the order in which they are given."""
    return tuple(
        StepError(step.span.span_id, step.span.name, _error_of(step.span))
        for step in steps
        if step.span.status_code == _ERROR
    )


def _error_of(span: SpanView) -> str:
    return span.status_message or span.exception or span.text(*_ERROR_TYPE)


def _counting(steps: Sequence[Step]) -> list[Step]:
    """Return the steps whose figures add up: model calls, outermost first; where none says, what is around them."""
    saying = {id(step): step for step in steps if not _FIGURES.isdisjoint(step.span.attributes)}
    calls = {number for number, step in saying.items() if step.operation in _CALLS}
    return outermost(steps, calls or set(saying)) if saying else []
