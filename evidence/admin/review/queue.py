"""The review queue: which tasks are open, overdue or disputed, and in which order people take them."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import (
    BooleanField,
    Case,
    Count,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from evidence import clock
from evidence.admin.frame.visibility import principal_of
from evidence.models import Adjudication, Review, ReviewTask, RiskTier, Scope

QUEUE_ORDER: Final = ("-is_open", "risk_rank", "due_at", "pk")


def with_queue_state(tasks: QuerySet[ReviewTask], user: User) -> QuerySet[Any]:
    """Add to each task what the queue shows.

    `n_reviews` and `n_decisions` (different ones), `is_open` (fewer reviews than asked for, not adjudicated),
    `is_overdue`, `is_disputed` (reviewers disagree and nobody settled it), `is_mine` (this person reviewed it),
    `risk_rank` (0 is high).
    """
    mine = Review.objects.filter(task=OuterRef("pk"), reviewer=user)
    settled = Adjudication.objects.filter(task=OuterRef("pk"))
    return tasks.annotate(
        n_reviews=_count("pk"),
        n_decisions=_count("decision"),
        is_settled=Exists(settled),
        is_mine=Exists(mine),
    ).annotate(
        is_open=_flag(Q(n_reviews__lt=F("reviews_required"), is_settled=False)),
        is_disputed=_flag(Q(n_decisions__gt=1, is_settled=False)),
        risk_rank=Case(
            When(risk_tier=RiskTier.HIGH, then=Value(0)), When(risk_tier=RiskTier.MEDIUM, then=Value(1)),
            default=Value(2), output_field=IntegerField(),
        ),
    ).annotate(is_overdue=_flag(Q(is_open=True, due_at__lt=clock.now())))  # fmt: skip


def hide_undecided_reviews(reviews: QuerySet[Review], request: HttpRequest) -> QuerySet[Review]:
    """Leave out what others said of a task the reader may still judge: nobody should be anchored by it."""
    principal = principal_of(request)
    if not principal.may(Scope.REVIEW):
        return reviews
    tasks = with_queue_state(ReviewTask.objects.filter(pk=OuterRef("task_id")), principal.user)
    still_to_judge = tasks.filter(is_open=True, is_mine=False)
    return reviews.exclude(Exists(still_to_judge))


class QueueFilter(admin.SimpleListFilter):
    """Where a task stands. A reviewer who opens the queue first sees what waits for them."""

    title = _("standing")
    parameter_name = "standing"

    STANDINGS: Final = {
        "waiting": (_("Waiting for me"), Q(is_open=True, is_mine=False)),
        "open": (_("Open"), Q(is_open=True)),
        "overdue": (_("Overdue"), Q(is_overdue=True)),
        "disputed": (_("Disagreement to settle"), Q(is_disputed=True, is_open=False)),
        "mine": (_("Reviewed by me"), Q(is_mine=True)),
        "closed": (_("Closed"), Q(is_open=False)),
    }  # fmt: skip
    ALL: Final = "all"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        untouched = not request.GET
        self.chosen = self.value() or (
            "waiting" if untouched and principal_of(request).may(Scope.REVIEW) else self.ALL
        )

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        del request, model_admin
        return [(key, str(title)) for key, (title, _condition) in self.STANDINGS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        del request
        standing = self.STANDINGS.get(self.chosen)
        return queryset if standing is None else queryset.filter(standing[1])

    def choices(self, changelist: Any) -> Any:
        for key, title in [(self.ALL, _("All")), *self.lookup_choices]:
            yield {
                "selected": key == self.chosen,
                "query_string": changelist.get_query_string({self.parameter_name: key}),
                "display": title,
            }


def _count(column: str) -> Coalesce:
    """How many different values the reviews of a task have in a column."""
    rows = Review.objects.filter(task=OuterRef("pk")).order_by().values("task")
    counted = rows.annotate(n=Count(column, distinct=True)).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), Value(0))


def _flag(condition: Q) -> Case:
    return Case(
        When(condition, then=Value(value=True)), default=Value(value=False), output_field=BooleanField()
    )
