"""Findings by API, whole, for those who may see internals."""

from __future__ import annotations

import django_filters
from rest_framework import serializers

from evidence.api.filtering import FilterSet
from evidence.api.reading import ScopedDetail, ScopedList
from interpret.models import Finding


class FindingOut(serializers.ModelSerializer[Finding]):
    """What a run measured, beside what it takes to believe it."""

    system = serializers.CharField(source="run.spec.system.key")
    release = serializers.CharField(source="run.release.name")
    probe = serializers.CharField(source="run.spec.probe")

    class Meta:
        model = Finding
        fields = [
            "id", "run", "ordinal", "system", "release", "probe", "title", "statistic", "unit", "value", "low", "high",
            "confidence", "n", "p_value", "q_value", "family", "baseline", "null", "control", "stability", "status",
            "verdict", "rung", "supports", "does_not_show", "holds_for", "provenance", "internals", "digest",
            "observed_at",
        ]  # fmt: skip


class FindingFilter(FilterSet):
    """Narrow a list of findings."""

    system = django_filters.CharFilter("run__spec__system__key")
    release = django_filters.CharFilter("run__release__name")

    class Meta:
        model = Finding
        fields = ["run", "statistic", "status"]


class FindingList(ScopedList[Finding]):
    """Findings, newest first. Empty without `interpret.view_internals`."""

    queryset = Finding.objects.select_related("run__spec__system", "run__release")
    serializer_class = FindingOut
    filterset_class = FindingFilter


class FindingDetail(ScopedDetail[Finding]):
    """One finding. 404 without `interpret.view_internals`."""

    queryset = Finding.objects.select_related("run__spec__system", "run__release")
    serializer_class = FindingOut
