"""Artefact versions, and whether somebody vouches for them."""

from __future__ import annotations

from typing import cast

import django_filters
from django.db.models import Exists, OuterRef, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import find_system, principal_of, visible_to
from evidence.api.filtering import FilterSet, MomentFilter, TruthFilter
from evidence.api.inputs import Input
from evidence.api.reading import ScopedList
from evidence.api.scoped_view import ScopedView
from evidence.models import RELEASE_KINDS, ArtefactKind, ArtefactVersion, Registration, ReleasePin, Scope
from evidence.problems import Problem
from evidence.services import registry


class VersionFilter(FilterSet):
    """Narrow a list of versions; `registered=false` is the to-register list."""

    system = django_filters.CharFilter("artefact__system__key")
    kind = django_filters.ChoiceFilter("artefact__kind", choices=ArtefactKind.choices)
    key = django_filters.CharFilter("artefact__key")
    registered = TruthFilter("registration", lookup_expr="isnull", exclude=True)
    release = django_filters.CharFilter(method="by_release", help_text="Name of a release that pins it.")
    since = MomentFilter("created_at", "gte")
    until = MomentFilter("created_at", "lt")

    class Meta:
        model = ArtefactVersion
        fields = ["digest", "label"]

    def by_release(
        self, queryset: QuerySet[ArtefactVersion], name: str, value: str
    ) -> QuerySet[ArtefactVersion]:
        """Versions that a release pins, in whichever slots."""
        del name
        pins = visible_to(ReleasePin.objects.all(), principal_of(cast("Request", self.request)))
        return queryset.filter(Exists(pins.filter(version=OuterRef("pk"), release__name=value)))


class VersionOut(serializers.ModelSerializer[ArtefactVersion]):
    """A version, and whether somebody vouches for it."""

    system = serializers.CharField(source="artefact.system.key")
    kind = serializers.CharField(source="artefact.kind")
    key = serializers.CharField(source="artefact.key")
    registered_by = serializers.CharField(source="registration.registered_by", allow_null=True)
    registration_basis = serializers.CharField(source="registration.basis", allow_null=True)

    class Meta:
        model = ArtefactVersion
        fields = [
            "id", "system", "kind", "key", "number", "label", "digest", "digest_basis", "registered_by",
            "registration_basis", "created_at", "created_by",
        ]  # fmt: skip


class VersionList(ScopedList[ArtefactVersion]):
    """Artefact versions, newest first."""

    queryset = ArtefactVersion.objects.select_related("artefact__system", "registration")
    serializer_class = VersionOut
    filterset_class = VersionFilter


class RegistrationIn(Input):
    """Which version on record is vouched for, by its digest, and why."""

    system = serializers.CharField()
    kind = serializers.ChoiceField(choices=sorted(RELEASE_KINDS))
    key = serializers.CharField(max_length=200)
    digest = serializers.RegexField(r"^[0-9a-f]{64}$")
    reason = serializers.CharField(required=False, default="", allow_blank=True)


class RegistrationOut(serializers.ModelSerializer[Registration]):
    """Who vouches for which version, on what basis, and since when."""

    system = serializers.CharField(source="version.artefact.system.key")
    kind = serializers.CharField(source="version.artefact.kind")
    key = serializers.CharField(source="version.artefact.key")
    number = serializers.IntegerField(source="version.number")
    digest = serializers.CharField(source="version.digest")

    class Meta:
        model = Registration
        fields = [
            "id", "system", "kind", "key", "number", "digest", "registered_by", "basis", "reason", "created_at",
        ]  # fmt: skip


class RegistrationCreate(ScopedView):
    """Register a version on record: vouch for it by its digest. Registering it again answers the same.

    Models, prompts, indexes, documents, policies and tools: an author, or CI. Suites, evaluators and datasets decide
    what passes: an approver who signed in and did not put them on record.
    """

    scopes = {"POST": (Scope.READ, Scope.IMPORT)}

    @extend_schema(
        request=RegistrationIn,
        responses={201: RegistrationOut, 403: Problem, 404: Problem, 409: Problem, 422: Problem},
    )
    def post(self, request: Request) -> Response:
        data = RegistrationIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = data.validated_data, principal_of(request)
        system = find_system(principal, values["system"])
        version = registry.find_version(
            system, kind=values["kind"], key=values["key"], digest=values["digest"]
        )
        registration = registry.register_version(
            principal=principal, version=version, reason=values["reason"]
        )
        return Response(RegistrationOut(registration).data, status=201)
