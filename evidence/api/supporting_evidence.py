"""What findings say of a release to people who may not see them: plain words, no number, nothing to look them up by."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.utils.module_loading import import_string
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import find_system, principal_of
from evidence.api.inputs import QueryInput
from evidence.api.scoped_view import ScopedView
from evidence.models import Role, Scope
from evidence.problems import Problem
from evidence.services.registry import find_release

PUT_FORWARD: Final = [(role.value, role.label) for role in (Role.SUPPORTING, Role.COUNTER)]


class SupportingEvidenceQuery(QueryInput):
    """Of which release."""

    system = serializers.CharField()
    release = serializers.CharField()


class PlainSummaryOut(serializers.Serializer[Any]):
    """What findings of one kind say, in the language that was asked for."""

    role = serializers.ChoiceField(choices=PUT_FORWARD)
    says = serializers.CharField()
    tested = serializers.CharField(help_text="How.")
    does_not_show = serializers.CharField()
    findings = serializers.IntegerField(help_text="How many say so.")
    newest = serializers.DateField(help_text="The day of the newest.")
    standing = serializers.IntegerField(
        help_text="How many of the doubts that they opened stand: `/api/v1/defeaters`; 0 where they support."
    )


class SupportingEvidenceOut(serializers.Serializer[Any]):
    """What was put forward and holds for the release."""

    results = PlainSummaryOut(many=True)


class SupportingEvidence(ScopedView):
    """What was found inside the model of a release, for people who do not see findings; what counters comes first."""

    scopes = {"GET": Scope.READ}
    queries = {"GET": SupportingEvidenceQuery}

    @extend_schema(responses={200: SupportingEvidenceOut, 404: Problem, 422: Problem})
    def get(self, request: Request) -> Response:
        release = find_release(
            find_system(principal_of(request), self.query["system"]), self.query["release"]
        )
        told = import_string(settings.SUPPORTING_EVIDENCE)(release)
        return Response(SupportingEvidenceOut({"results": told}).data)
