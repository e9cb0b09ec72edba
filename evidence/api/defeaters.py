"""Doubts by API: which stand against what, in plain words, and what people answer."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Prefetch, Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import principal_of, visible_to
from evidence.api.filtering import FilterSet
from evidence.api.inputs import Input
from evidence.api.reading import ScopedList
from evidence.api.scoped_view import ScopedView
from evidence.errors import NotFound
from evidence.models import Defeater, DefeaterAnswer, Release, Scope
from evidence.problems import Problem
from evidence.selectors.defeaters import STATES, against, told_of, with_state
from evidence.services.defeaters import answer_defeater


class DefeaterAnswerOut(serializers.ModelSerializer[DefeaterAnswer]):
    """What somebody said to a doubt. One that another `replaces` counts no more."""

    class Meta:
        model = DefeaterAnswer
        fields = ["id", "defeater", "kind", "words", "answered_by", "created_at", "expires_at", "replaces"]


class _WithWords(serializers.ListSerializer[Any]):
    """Looks up what all doubts of a page say at once."""

    def to_representation(self, data: Any) -> list[Any]:
        rows = list(data)
        told = told_of(rows)
        for row in rows:
            row.told = told[row.pk]
        return super().to_representation(rows)


class DefeaterOut(serializers.ModelSerializer[Defeater]):
    """A doubt, in words for people who do not see findings, and all that was answered, oldest first."""

    system = serializers.CharField(source="release.system.key")
    release = serializers.CharField(
        source="release.name",
        help_text="On which it arose; the filter finds it for each that it stands against.",
    )
    opened_on = serializers.DateField(help_text="UTC.")
    state = serializers.ChoiceField(choices=STATES, source="state_now")
    says = serializers.CharField(source="told.says", help_text="In the language that was asked for.")
    tested = serializers.CharField(source="told.tested", help_text="How; empty: the item speaks for itself.")
    does_not_show = serializers.CharField(source="told.does_not_show")
    answers = DefeaterAnswerOut(many=True)

    class Meta:
        model = Defeater
        list_serializer_class = _WithWords
        fields = [
            "id", "system", "release", "opened_on", "state", "says", "tested", "does_not_show", "answers",
        ]  # fmt: skip


class DefeaterFilter(FilterSet):
    """Narrow a list of doubts; `state=open` and `state=expired` are those that stand."""

    system = django_filters.CharFilter("release__system__key")
    release = django_filters.CharFilter(
        method="stand_against",
        label="Name of a release that they are about, not only of the one they arose on.",
    )
    state = django_filters.ChoiceFilter(method="are_in", choices=[(state, state) for state in STATES])

    class Meta:
        model = Defeater
        fields: list[str] = []

    def are_in(self, defeaters: QuerySet[Any], _: str, state: str) -> QuerySet[Any]:
        """Narrow to those whose newest answer makes them so."""
        return defeaters.filter(state_now=state)

    def stand_against(self, defeaters: QuerySet[Defeater], _: str, name: str) -> QuerySet[Defeater]:
        """Narrow to those about the releases of this name that whoever asks may see."""
        request: Any = self.request
        releases = visible_to(Release.objects.filter(name=name), principal_of(request))
        about = Q(pk__in=[])
        for release in releases:
            about |= against(release)
        return defeaters.filter(about)


class Defeaters(ScopedList[Defeater]):
    """Doubts that counter evidence opened, newest first. They change no assessment and no decision of a gate."""

    queryset = Defeater.objects.select_related("release__system").prefetch_related(
        Prefetch("answers", DefeaterAnswer.objects.order_by("pk"))
    )
    serializer_class = DefeaterOut
    filterset_class = DefeaterFilter

    def get_queryset(self) -> QuerySet[Any]:
        return with_state(super().get_queryset())


class DefeaterAnswerIn(Input):
    """What somebody says to a doubt."""

    kind = serializers.ChoiceField(
        choices=DefeaterAnswer.Kind.choices,
        help_text="`rebutted`: evidence shows that it does not hold; `mitigated`: something was changed, so that it no "
        "longer matters; `accepted`: the residual risk is; `reopened`: the answer before does not hold.",
    )
    words = serializers.CharField()
    expires_at = serializers.DateTimeField(
        required=False,
        default=None,
        allow_null=True,
        help_text="When what is `accepted` stands again; null: never.",
    )
    replaces = serializers.IntegerField(
        required=False,
        default=None,
        allow_null=True,
        help_text="The answer that counts now; null: there is none.",
    )


class DefeaterAnswers(ScopedView):
    """Answer a doubt: an approver who neither asked for what opened it nor put the release on record."""

    scopes = {"POST": Scope.READ}

    @extend_schema(
        request=DefeaterAnswerIn,
        responses={201: DefeaterAnswerOut, 403: Problem, 404: Problem, 409: Problem, 422: Problem},
    )
    def post(self, request: Request, pk: int) -> Response:
        data = DefeaterAnswerIn(data=request.data)
        data.is_valid(raise_exception=True)
        principal = principal_of(request)
        defeater = visible_to(Defeaters.queryset, principal).filter(pk=pk).first()
        if defeater is None:
            raise NotFound(f"There is no doubt {pk} among yours.")
        stored = answer_defeater(principal=principal, defeater=defeater, **data.validated_data)
        return Response(DefeaterAnswerOut(stored).data, status=201)
