"""What of each table an erasure takes: the columns that people and models wrote, and how row and trace are found."""

# ruff: noqa: S608  # SQL composed of constants of this file, for functions and triggers; nobody's input is in it

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import models

from evidence.models import (
    Adjudication,
    Citation,
    Claim,
    EvalSample,
    GoldAnswer,
    GoldJudgement,
    PolicyCheck,
    Reject,
    Retrieval,
    Review,
    Span,
    ToolCall,
    Trace,
)


@dataclass(frozen=True, slots=True)
class Erasable:
    """A table that holds payload of a trace, and how its rows and the trace find each other."""

    model: type[models.Model]
    columns: tuple[str, ...]  # what people and models wrote
    trace_of: str  # SQL for (system, trace id) of the row $1
    rows: str  # SQL for the rows of the trace `erased_trace` of `erased_system`
    # Those of `columns` that the table got when it had rows: null in each of them (`evidence.row_schemas`).
    came_later: tuple[str, ...] = ()


_OF_TRACE: Final = (
    "SELECT trace.system_id, trace.trace_id FROM evidence_trace AS trace WHERE trace.id = ($1).trace_id"
)
_IN_TRACE: Final = (
    "trace_id IN (SELECT id FROM evidence_trace WHERE system_id = erased_system AND trace_id = erased_trace)"
)
_OF_TASK: Final = (
    "SELECT trace.system_id, trace.trace_id FROM evidence_trace AS trace"
    " JOIN evidence_reviewtask AS task ON task.trace_id = trace.id WHERE task.id = ($1).task_id"
)
_IN_TASK: Final = (
    "task_id IN (SELECT task.id FROM evidence_reviewtask AS task JOIN evidence_trace AS trace"
    " ON trace.id = task.trace_id WHERE trace.system_id = erased_system AND trace.trace_id = erased_trace)"
)
_OWN: Final = "SELECT ($1).system_id, ($1).trace_id"
OWN_ROWS: Final = "system_id = erased_system AND trace_id = erased_trace"

_READ_OF_TRACE: Final = (
    "exchanges", "sources", "conversation_ids", "session_ids", "user_ids", "finish_reasons", "errors",
)  # fmt: skip

ERASABLE: Final = (
    Erasable(
        Span,
        ("name", "status_message", "attributes", "events", "links", "resource", "scope"),
        _OWN,
        OWN_ROWS,
    ),
    Erasable(
        Trace,
        ("name", "question", "answer", "confidence_factors", "limitations", "flags", *_READ_OF_TRACE),
        _OWN,
        OWN_ROWS,
        came_later=_READ_OF_TRACE,
    ),
    Erasable(Claim, ("text",), _OF_TRACE, _IN_TRACE),
    Erasable(
        Citation,
        ("quote", "reason_terms", "nearest_text"),
        "SELECT trace.system_id, trace.trace_id FROM evidence_trace AS trace"
        " JOIN evidence_claim AS claim ON claim.trace_id = trace.id WHERE claim.id = ($1).claim_id",
        f"claim_id IN (SELECT id FROM evidence_claim WHERE {_IN_TRACE})",
        came_later=("reason_terms", "nearest_text"),
    ),
    Erasable(Retrieval, ("query", "text", "source"), _OF_TRACE, _IN_TRACE, came_later=("text", "source")),
    Erasable(PolicyCheck, ("reason",), _OF_TRACE, _IN_TRACE),
    Erasable(
        ToolCall,
        ("arguments", "result", "call_id", "error", "source"),
        _OF_TRACE,
        _IN_TRACE,
        came_later=("call_id", "error", "source"),
    ),
    Erasable(Review, ("rationale", "corrected_answer"), _OF_TASK, _IN_TASK),
    Erasable(
        Adjudication,
        ("rationale", "corrected_answer"),
        _OF_TASK,
        _IN_TASK,
        came_later=("corrected_answer",),
    ),
    Erasable(GoldAnswer, ("rationale",), _OF_TASK, _IN_TASK),
    Erasable(GoldJudgement, ("rationale", "corrected_answer"), _OF_TASK, _IN_TASK),
    Erasable(
        Reject,
        ("detail", "item"),
        # Where the system of a refused item cannot be told, it is of any that its request spoke of.
        "SELECT system_id, CASE WHEN ($1).trace_id ~ '^[0-9a-f]{32}$' THEN ($1).trace_id::uuid END FROM ("
        "SELECT ($1).system_id AS system_id UNION ALL SELECT unnest(system_ids) FROM evidence_ingestbatch"
        " WHERE ($1).system_id IS NULL AND id = ($1).batch_id) AS spoken_of",
        "trace_id = replace(erased_trace::text, '-', '') AND (system_id = erased_system OR (system_id IS NULL"
        " AND batch_id IN (SELECT id FROM evidence_ingestbatch WHERE erased_system = ANY(system_ids))))",
    ),
    Erasable(
        EvalSample,
        ("explanation", "input", "output", "target"),
        "SELECT run.system_id, ($1).trace_id FROM evidence_evalrun AS run WHERE run.id = ($1).run_id",
        "trace_id = erased_trace AND run_id IN (SELECT id FROM evidence_evalrun WHERE system_id = erased_system)",
    ),
)


def columns_that_go(model: type[models.Model]) -> tuple[str, ...]:
    """Return the columns of a model that an erasure overwrites; none where it has no such content."""
    return next((one.columns for one in ERASABLE if one.model is model), ())


def columns_that_came(model: type[models.Model]) -> tuple[str, ...]:
    """Return those of the columns that an erasure overwrites which the rows of before do not have."""
    return next((one.came_later for one in ERASABLE if one.model is model), ())
