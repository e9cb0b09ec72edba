"""What people were asked to judge, by API: the list that the review queue is in the admin, and who is at an answer."""

from __future__ import annotations

from typing import Any, Final, cast

import django_filters
from django.contrib.auth.models import User
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import Principal, find_system, principal_of, visible_to
from evidence.api.filtering import FilterSet, MomentFilter
from evidence.api.inputs import Input
from evidence.api.reading import ScopedList
from evidence.api.scoped_view import ScopedView
from evidence.api.trace_ids import TraceIdField
from evidence.errors import NotFound
from evidence.models import QueuedTask, ReviewTask, SavedFilter, Scope
from evidence.problems import Problem
from evidence.selectors.review_tasks import TaskStanding, in_standing, with_standing
from evidence.services import review_queue
from evidence.vocabulary import RiskTier
from evidence.worded import worded

TAKEN: Final = "taken"
PUT_BACK: Final = "put_back"


class ReviewTaskOut(serializers.ModelSerializer[ReviewTask]):
    """An answer that people were asked to judge, and how that stands. What they said is at /api/v1/reviews."""

    system = serializers.CharField(source="system.key")
    trace_id = TraceIdField(source="trace.trace_id")
    revision = serializers.IntegerField(source="trace.revision")
    release = serializers.CharField(source="trace.release.name", default=None, allow_null=True)
    n_reviews = serializers.IntegerField(help_text="Of reviews_required.")
    is_open = serializers.BooleanField(
        help_text="Fewer reviews than were asked for, and neither settled nor replaced by a later revision."
    )
    is_overdue = serializers.BooleanField(help_text="Open, and past the time it was due.")
    is_disputed = serializers.BooleanField(help_text="Its reviewers disagree, and nobody settled it.")
    is_settled = serializers.BooleanField(help_text="A third person settled what reviewers disagreed about.")
    is_superseded = serializers.BooleanField(
        help_text="The answer has a later revision, judged in its place."
    )

    class Meta:
        model = ReviewTask
        fields = [
            "id", "system", "trace_id", "revision", "release", "reason", "risk_tier", "reviews_required", "n_reviews",
            "is_open", "is_overdue", "is_disputed", "is_settled", "is_superseded", "due_at", "created_at",
        ]  # fmt: skip


class ReviewTaskFilter(FilterSet):
    """Narrow a list of review tasks; `standing=waiting` is what waits for you, or for the owner of your token."""

    system = django_filters.CharFilter("system__key")
    release = django_filters.CharFilter("trace__release__name")
    risk_tier = django_filters.ChoiceFilter("risk_tier", choices=RiskTier.choices())
    standing = django_filters.ChoiceFilter(
        method="by_standing", choices=[(each.value, each.value) for each in TaskStanding]
    )
    due_since = MomentFilter("due_at", "gte")
    due_until = MomentFilter("due_at", "lt")

    class Meta:
        model = ReviewTask
        fields = ["reason"]

    def by_standing(self, queryset: QuerySet[ReviewTask], name: str, value: str) -> QuerySet[Any]:
        """Tasks that stand so for the person who asks."""
        del name
        return in_standing(queryset, TaskStanding(value), principal_of(cast("Request", self.request)).person)


class ReviewTaskList(ScopedList[ReviewTask]):
    """What people were asked to judge, newest first, and how it stands."""

    queryset = ReviewTask.objects.select_related("system", "trace", "trace__release").defer(
        "trace__answer", "trace__question", "trace__confidence_factors", "trace__limitations", "trace__exchanges",
        "trace__sources",
    )  # fmt: skip
    serializer_class = ReviewTaskOut
    filterset_class = ReviewTaskFilter

    def get_queryset(self) -> QuerySet[Any]:
        """Return the tasks that whoever asks may see, as they stand for them."""
        tasks = super().get_queryset()
        reader = None if getattr(self, "swagger_fake_view", False) else principal_of(self.request).person
        return with_standing(tasks, reader)


class NextTaskIn(Input):
    """What somebody wants to be given of the queue."""

    stage = serializers.ChoiceField(
        choices=QueuedTask.Stage.choices, required=False, default=QueuedTask.Stage.JUDGE.value,
        help_text="`judge`: an answer; `settle`: what others disagree about.",
    )  # fmt: skip
    system = serializers.CharField(required=False, help_text="Of this system alone.")
    after = serializers.IntegerField(
        required=False, min_value=1, max_value=2**63 - 1,
        help_text="The id of a task to leave out, as one that was just put back.",
    )  # fmt: skip


class TaskStepIn(Input):
    """Which step is taken."""

    to_state = serializers.ChoiceField(
        choices=[TAKEN, PUT_BACK],
        help_text="`taken`: you hold it, so that nobody else judges it meanwhile; `put_back`: you hold it no more.",
    )


class TaskHoldOut(serializers.Serializer[Any]):
    """A task, and until when you hold it."""

    task = ReviewTaskOut(allow_null=True, help_text="null: nothing waits for you")
    held_until = serializers.DateTimeField(
        allow_null=True, help_text="After which anybody may take it; null: you do not hold it."
    )


_ANSWERS: Final = {200: TaskHoldOut, 403: Problem, 404: Problem, 409: Problem, 422: Problem}


class ReviewTaskNext(ScopedView):
    """Be given the next task of the queue, as the review desk gives it: signed in, or by a token of your own.

    What you hold already of the stage comes first, however it came to you, so that asking again gives the same, held
    anew until `held_until`. Two who ask at once are given two tasks. Whoever holds as many as one person may is given
    no other, and is told how many that is (409).
    """

    scopes = {"POST": Scope.REVIEW}

    @extend_schema(request=NextTaskIn, responses=_ANSWERS)
    def post(self, request: Request) -> Response:
        data = NextTaskIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = data.validated_data, principal_of(request)
        by = SavedFilter(system=find_system(principal, values["system"])) if "system" in values else None
        after = _find(principal, values["after"]) if "after" in values else None
        stage = QueuedTask.Stage(values["stage"])
        given = review_queue.take_next(principal=principal, after=after, by=by, stage=stage)
        return Response(_told(principal.person, given.task if given else None, given))


class ReviewTaskTransitions(ScopedView):
    """Take a task that you chose, so that no colleague judges it meanwhile; put one back. Again, it is the same.

    A task that you take again is held anew. What somebody else holds is refused (409), with until when, and so is one
    more than one person may hold, with how many; to put back what you do not hold changes nothing.
    """

    scopes = {"POST": (Scope.REVIEW, Scope.READ)}

    @extend_schema(request=TaskStepIn, responses=_ANSWERS)
    def post(self, request: Request, pk: int) -> Response:
        data = TaskStepIn(data=request.data)
        data.is_valid(raise_exception=True)
        principal = principal_of(request)
        task = _find(principal, pk)
        if data.validated_data["to_state"] == PUT_BACK:
            review_queue.put_back(principal=principal, task=task)
            return Response(_told(principal.person, task, None))
        return Response(_told(principal.person, task, review_queue.take(principal=principal, task=task)))


def _find(principal: Principal, pk: int) -> ReviewTask:
    task = visible_to(ReviewTaskList.queryset, principal).filter(pk=pk).first()
    if task is None:
        raise NotFound(worded("There is no review task %(id)s among those you may see.", id=pk))
    return task


def _told(reader: User, task: ReviewTask | None, held: QueuedTask | None) -> dict[str, Any]:
    """Return what `TaskHoldOut` says of a task, as it stands for whoever asks."""
    if task is None:
        return {"task": None, "held_until": None}
    stands = with_standing(ReviewTaskList.queryset.filter(pk=task.pk), reader).get()
    return dict(TaskHoldOut({"task": stands, "held_until": held and held.held_until}).data)
