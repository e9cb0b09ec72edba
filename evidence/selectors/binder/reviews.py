"""What people decided on the traces in scope; the machine's verdict stays beside theirs."""

from __future__ import annotations

from collections.abc import Iterator

from evidence.actors import actor_of_user
from evidence.binder.files import BinderFile, json_lines_file
from evidence.models import Adjudication, Review, ReviewTask
from evidence.selectors.binder.scope import BinderScope, moment, plain
from evidence.selectors.binder.traces import trace_pages

REVIEWS_PATH = "reviews/reviews.jsonl"


def review_files(scope: BinderScope) -> Iterator[BinderFile]:
    """Yield the reviews, the tasks they answer (open ones too), and how disagreement was settled."""
    yield json_lines_file(
        REVIEWS_PATH, lambda: _reviews(scope), title="Reviews / 复核", schema="review", population="reviews"
    )
    yield json_lines_file(
        "reviews/tasks.jsonl",
        lambda: _tasks(scope),
        title="Review tasks, open ones too / 复核任务（含未完成）",
        population="review-tasks",
    )
    yield json_lines_file(
        "reviews/adjudications.jsonl",
        lambda: _adjudications(scope),
        title="Adjudications / 裁决",
        population="adjudications",
    )


def _reviews(scope: BinderScope) -> Iterator[dict[str, object]]:
    for traces in trace_pages(scope):
        rows = Review.objects.filter(scope.as_of.knew("created_at"), task__trace__in=traces)
        yield from map(_review, rows.select_related("task__trace", "reviewer__pseudonym").order_by("pk"))


def _review(review: Review) -> dict[str, object]:
    return {
        "id": str(review.pk),
        "traceId": review.task.trace.trace_id.hex,
        "traceRevision": review.task.trace.revision,
        "reviewer": actor_of_user(review.reviewer),
        "decision": review.decision,
        "reasonCode": review.reason_code,
        "rationale": review.rationale,
        "correctedAnswer": review.corrected_answer,
        "machineVerdict": plain(review.machine_verdict),
        "reviewedAt": moment(review.created_at),
    }


def _tasks(scope: BinderScope) -> Iterator[dict[str, object]]:
    for traces in trace_pages(scope):
        rows = ReviewTask.objects.filter(scope.as_of.knew("created_at"), trace__in=traces)
        yield from map(_task, rows.select_related("trace").order_by("pk"))


def _task(task: ReviewTask) -> dict[str, object]:
    return {
        "id": str(task.pk),
        "traceId": task.trace.trace_id.hex,
        "reason": task.reason,
        "riskTier": task.risk_tier,
        "reviewsRequired": task.reviews_required,
        "dueAt": moment(task.due_at),
    }


def _adjudications(scope: BinderScope) -> Iterator[dict[str, object]]:
    for traces in trace_pages(scope):
        rows = Adjudication.objects.filter(scope.as_of.knew("created_at"), task__trace__in=traces)
        yield from map(
            _adjudication, rows.select_related("task__trace", "adjudicator__pseudonym").order_by("pk")
        )


def _adjudication(row: Adjudication) -> dict[str, object]:
    return {
        "traceId": row.task.trace.trace_id.hex,
        "adjudicator": actor_of_user(row.adjudicator),
        "decision": row.decision,
        "rationale": row.rationale,
        "at": moment(row.created_at),
    }
