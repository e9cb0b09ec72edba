"""The reasons of reviewers by API: a system's own list, and a new version of it."""

from __future__ import annotations

from typing import Any

import django_filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import find_system, principal_of
from evidence.api.filtering import FilterSet
from evidence.api.inputs import Input
from evidence.api.reading import ScopedList
from evidence.models import ArtefactKind, ArtefactVersion, ReasonCode, Scope
from evidence.problems import Problem
from evidence.services.review_reasons import LONGEST, ReasonDraft, set_reasons


class ReasonWords(Input):
    """What a reason is called, by language."""

    en = serializers.CharField(max_length=LONGEST)
    zh_hans = serializers.CharField(max_length=LONGEST, required=False, default="", allow_blank=True)


class ReasonIn(Input):
    """A reason that reviewers may give, and the common kind that it is of."""

    code = serializers.CharField(max_length=30)
    kind = serializers.CharField(
        max_length=30, help_text=f"One of {', '.join(filter(None, ReasonCode.values))}."
    )
    words = ReasonWords()


class ReasonListIn(Input):
    """The reasons that a system's reviewers choose from, in the order in which they are shown."""

    system = serializers.CharField()
    label = serializers.CharField(  # type: ignore[assignment]  # shadows Field.label, as DRF allows
        max_length=200, required=False, default="", allow_blank=True, help_text="Empty: its number."
    )
    reasons = ReasonIn.listed(limit="REVIEW_MAX_REASONS")


class ReasonOut(serializers.Serializer[Any]):
    """A reason of a list, as it was given."""

    code = serializers.CharField()
    kind = serializers.CharField()
    words = serializers.DictField(child=serializers.CharField(), help_text="By language: en, zh_hans.")


class ReasonListOut(serializers.ModelSerializer[ArtefactVersion]):
    """A version of a system's list. The newest is the one that reviewers choose from."""

    system = serializers.CharField(source="artefact.system.key")
    reasons = serializers.SerializerMethodField()

    class Meta:
        model = ArtefactVersion
        fields = ["id", "system", "number", "label", "digest", "reasons", "created_by", "created_at"]

    @extend_schema_field(ReasonOut(many=True))
    def get_reasons(self, version: ArtefactVersion) -> list[dict[str, Any]]:
        """Return the reasons as they were given."""
        listed: list[dict[str, Any]] = version.metadata["reasons"]
        return listed


class ReasonListFilter(FilterSet):
    """Narrow lists to a system."""

    system = django_filters.CharFilter("artefact__system__key")

    class Meta:
        model = ArtefactVersion
        fields: list[str] = []


class ReviewReasons(ScopedList[ArtefactVersion]):
    """List the versions of the systems' lists; give a system a new one, as an approver who signed in."""

    scopes = {"GET": Scope.READ, "POST": Scope.READ}
    queryset = ArtefactVersion.objects.filter(artefact__kind=ArtefactKind.REASONS).select_related(
        "artefact__system"
    )
    serializer_class = ReasonListOut
    filterset_class = ReasonListFilter

    @extend_schema(
        request=ReasonListIn, responses={201: ReasonListOut, 403: Problem, 404: Problem, 422: Problem}
    )
    def post(self, request: Request) -> Response:
        """Give a system a list, or a new version of it; reviews on record keep the version they name."""
        data = ReasonListIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = data.validated_data, principal_of(request)
        version = set_reasons(
            principal=principal,
            system=find_system(principal, values["system"]),
            label=values["label"],
            reasons=[_draft(told) for told in values["reasons"]],
        )
        return Response(ReasonListOut(version).data, status=201)


def _draft(told: dict[str, Any]) -> ReasonDraft:
    words = {language: said for language, said in told["words"].items() if said}
    return ReasonDraft(told["code"], told["kind"], words)
