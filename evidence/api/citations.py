"""Citations with their verdicts, across traces."""

from __future__ import annotations

import django_filters

from evidence.api.filtering import FilterSet, MomentFilter
from evidence.api.reading import ScopedList
from evidence.api.traces.serializers import CitationOut
from evidence.models import Citation


class CitationFilter(FilterSet):
    """Narrow a list of citations."""

    system = django_filters.CharFilter("claim__trace__system__key")
    release = django_filters.CharFilter("claim__trace__release__name")
    since = MomentFilter("claim__trace__started_at", "gte")
    until = MomentFilter("claim__trace__started_at", "lt")
    document = django_filters.CharFilter("document__digest")

    class Meta:
        model = Citation
        fields = ["verdict"]


class CitationList(ScopedList[Citation]):
    """Citations with their verdicts, newest first."""

    queryset = Citation.objects.select_related("found_in")
    serializer_class = CitationOut
    filterset_class = CitationFilter
