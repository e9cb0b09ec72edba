"""Artefact versions, and whether somebody vouches for them."""

from __future__ import annotations

from typing import cast

import django_filters
from django.db.models import Exists, OuterRef, QuerySet
from rest_framework import serializers
from rest_framework.request import Request

from evidence.access import principal_of, visible_to
from evidence.api.filtering import FilterSet, MomentFilter, TruthFilter
from evidence.api.reading import ScopedList
from evidence.models import ArtefactKind, ArtefactVersion, ReleasePin


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
    registered_by = serializers.CharField(source="registration.registered_by", default=None)

    class Meta:
        model = ArtefactVersion
        fields = [
            "id", "system", "kind", "key", "number", "label", "digest", "digest_basis", "registered_by",
            "created_at", "created_by",
        ]  # fmt: skip


class VersionList(ScopedList[ArtefactVersion]):
    """Artefact versions, newest first."""

    queryset = ArtefactVersion.objects.select_related("artefact__system", "registration")
    serializer_class = VersionOut
    filterset_class = VersionFilter
