"""What people were asked to judge, by API: the list that the review queue is in the admin."""

from __future__ import annotations

from typing import Any, cast

import django_filters
from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request

from evidence.access import principal_of
from evidence.api.filtering import FilterSet, MomentFilter
from evidence.api.reading import ScopedList
from evidence.api.trace_ids import TraceIdField
from evidence.models import ReviewTask
from evidence.selectors.review_tasks import TaskStanding, in_standing, with_standing
from evidence.vocabulary import RiskTier


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
