"""Who asked, in which conversation, and what it took: ids as given, tokens, cost, reasons for stopping, failures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from evidence.semconv.dialects import Meaning, Operation, attributes_for
from evidence.semconv.draft import StepError
from evidence.semconv.hearing import finish_reason
from evidence.semconv.span_view import finite_number
from evidence.semconv.steps import Step, outermost

CONVERSATION_ID: Final = attributes_for(Meaning.CONVERSATION_ID)
SESSION_ID: Final = attributes_for(Meaning.SESSION_ID)
USER_ID: Final = attributes_for(Meaning.USER_ID)
INPUT_TOKENS: Final = attributes_for(Meaning.INPUT_TOKENS)
OUTPUT_TOKENS: Final = attributes_for(Meaning.OUTPUT_TOKENS)
_COST: Final = attributes_for(Meaning.COST)
_CURRENCY: Final = attributes_for(Meaning.CURRENCY)
_CALLS: Final = frozenset({Operation.CHAT, Operation.EMBEDDING})
_ERROR: Final = 2  # OTLP status code


def read_ids(steps: Iterable[Step], keys: tuple[str, ...]) -> tuple[str, ...]:
    """Return the different values of some attributes, that of the outermost span first."""
    found: dict[str, None] = {}
    for step in steps:
        attributes = step.span.attributes
        for key in keys:
            if key in attributes and (value := step.span.label(key)):
                found.setdefault(value)
    return tuple(found)


def count_tokens(steps: Sequence[Step], keys: tuple[str, ...]) -> int | None:
    """Return the tokens of all model calls, each counted once; None where no span says."""
    counted = [
        number for step in _counting(steps, keys) if (number := step.span.whole_number(*keys)) is not None
    ]
    return sum(counted) if counted else None


def read_cost(steps: Sequence[Step]) -> tuple[Decimal | None, str]:
    """Return what the calls cost and in which currency; None where no span says. Costs are never computed here."""
    costs = []
    currency = ""
    for step in _counting(steps, _COST):
        value = next(
            (number for key in _COST if (number := finite_number(step.span.attributes.get(key))) is not None),
            None,
        )
        if value is not None:
            costs.append(Decimal(str(value)))
            currency = currency or step.span.label(*_CURRENCY)
    return (sum(costs, Decimal()), currency or "USD") if costs else (None, "")


def read_finish_reasons(steps: Iterable[Step]) -> tuple[str, ...]:
    """Return why the model calls stopped, each reason once."""
    reasons = (finish_reason(step.span, step.answered) for step in steps if step.operation is Operation.CHAT)
    return tuple(dict.fromkeys(reason for reason in reasons if reason))


def read_errors(steps: Iterable[Step]) -> tuple[StepError, ...]:
    """Return the steps that failed, in the order in which they are given."""
    return tuple(
        StepError(step.span.span_id, step.span.name, step.span.status_message)
        for step in steps
        if step.span.status_code == _ERROR
    )


def _counting(steps: Sequence[Step], keys: tuple[str, ...]) -> list[Step]:
    """Return the steps whose figures add up: model calls, outermost first; where none says, what is around them."""
    saying = {id(step) for step in steps if not step.span.attributes.keys().isdisjoint(keys)}
    calls = {id(step) for step in steps if id(step) in saying and step.operation in _CALLS}
    return outermost(steps, calls or saying)
