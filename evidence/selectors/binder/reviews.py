"""What people decided on the traces in scope; the machine's verdict stays beside theirs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from evidence.actors import actor_of_prefix, actor_of_user
from evidence.any_of import any_of_keys
from evidence.binder.files import BinderFile, json_lines_file
from evidence.models import Adjudication, Review, ReviewTask
from evidence.selectors.binder.scope import BinderScope, moment, plain
from evidence.selectors.binder.shapes import (
    Shape,
    id_column,
    text_column,
    time_column,
    write_line,
)
from evidence.selectors.binder.trace_scope import TracePages
from evidence.selectors.claim_judgements import with_claim_judgements

REVIEWS_PATH = "reviews/reviews.jsonl"
_TASK: Final = Shape(
    {
        "id": text_column("pk"),
        "traceId": id_column("trace__trace_id"),
        "reason": "reason",
        "riskTier": "risk_tier",
        "reviewsRequired": "reviews_required",
        "dueAt": time_column("due_at"),
    }
)


def review_files(scope: BinderScope, pages: TracePages) -> Iterator[BinderFile]:
    """Yield the reviews, the tasks they answer (open ones too), and how disagreement was settled."""
    yield json_lines_file(
        REVIEWS_PATH,
        lambda: _reviews(scope, pages),
        title="Reviews / 复核",
        schema="review",
        population="reviews",
    )
    yield json_lines_file(
        "reviews/tasks.jsonl",
        lambda: _tasks(scope, pages),
        title="Review tasks, open ones too / 复核任务（含未完成）",
        population="review-tasks",
    )
    yield json_lines_file(
        "reviews/adjudications.jsonl",
        lambda: _adjudications(scope, pages),
        title="Adjudications / 裁决",
        population="adjudications",
    )


def _reviews(scope: BinderScope, pages: TracePages) -> Iterator[dict[str, object]]:
    for traces in pages:
        rows = Review.objects.filter(scope.as_of.knew("created_at"), any_of_keys("task__trace_id", traces))
        rows = rows.select_related("task__trace", "reviewer__pseudonym", "reasons_version").order_by("pk")
        yield from map(_review, with_claim_judgements(rows))


def _review(review: Review) -> dict[str, object]:
    return {
        "id": str(review.pk),
        "traceId": review.task.trace.trace_id.hex,
        "traceRevision": review.task.trace.revision,
        "reviewer": actor_of_user(review.reviewer),
        "byToken": actor_of_prefix(review.token_prefix),
        "decision": review.decision,
        "reasonCode": review.reason_code,
        "reason": review.reason,
        "reasonsVersion": review.reasons_version.digest if review.reasons_version else None,
        "rationale": review.rationale,
        "correctedAnswer": review.corrected_answer,
        "claims": [
            {"claim": judged.claim.ordinal, "judgement": judged.judgement}
            for judged in review.claim_judgements.all()
        ],
        "machineVerdict": plain(review.machine_verdict),
        "reviewedAt": moment(review.created_at),
    }


def _tasks(scope: BinderScope, pages: TracePages) -> Iterator[bytes]:
    for traces in pages:
        rows = ReviewTask.objects.filter(scope.as_of.knew("created_at"), any_of_keys("trace_id", traces))
        for values in rows.order_by("pk").values_list(*_TASK.columns):
            yield write_line(_TASK.document(values))


def _adjudications(scope: BinderScope, pages: TracePages) -> Iterator[dict[str, object]]:
    for traces in pages:
        rows = Adjudication.objects.filter(
            scope.as_of.knew("created_at"), any_of_keys("task__trace_id", traces)
        )
        yield from map(
            _adjudication, rows.select_related("task__trace", "adjudicator__pseudonym").order_by("pk")
        )


def _adjudication(row: Adjudication) -> dict[str, object]:
    return {
        "traceId": row.task.trace.trace_id.hex,
        "adjudicator": actor_of_user(row.adjudicator),
        "byToken": actor_of_prefix(row.token_prefix),
        "decision": row.decision,
        "rationale": row.rationale,
        "correctedAnswer": row.corrected_answer,
        "at": moment(row.created_at),
    }
