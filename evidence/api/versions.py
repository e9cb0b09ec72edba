"""Artefact versions, and whether somebody vouches for them."""

from __future__ import annotations

import django_filters
from rest_framework import serializers

from evidence.api.filtering import FilterSet, MomentFilter, TruthFilter
from evidence.api.reading import ScopedList
from evidence.models import ArtefactKind, ArtefactVersion


class VersionFilter(FilterSet):
    """Narrow a list of versions; `registered=false` is the to-register list."""

    system = django_filters.CharFilter("artefact__system__key")
    kind = django_filters.ChoiceFilter("artefact__kind", choices=ArtefactKind.choices)
    key = django_filters.CharFilter("artefact__key")
    registered = TruthFilter("registration", lookup_expr="isnull", exclude=True)
    release = django_filters.CharFilter("release_pins__release__name")
    since = MomentFilter("created_at", "gte")
    until = MomentFilter("created_at", "lt")

    class Meta:
        model = ArtefactVersion
        fields = ["digest", "label"]


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
