"""Citations with their verdicts, across traces."""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet

from evidence.api.filtering import FilterSet, MomentFilter
from evidence.api.reading import ScopedList
from evidence.api.traces.citations import CitationOut
from evidence.citations.verdict import VERDICT_OF, Reason
from evidence.models import Citation


class CitationFilter(FilterSet):
    """Narrow a list of citations."""

    system = django_filters.CharFilter("claim__trace__system__key")
    release = django_filters.CharFilter("claim__trace__release__name")
    since = MomentFilter("claim__trace__started_at", "gte")
    until = MomentFilter("claim__trace__started_at", "lt")
    document = django_filters.CharFilter("document__digest")
    reason = django_filters.ChoiceFilter(choices=Reason.choices(), method="by_reason")

    class Meta:
        model = Citation
        fields = ["verdict"]

    def by_reason(self, queryset: QuerySet[Citation], name: str, value: str) -> QuerySet[Citation]:
        """Citations of this reason, among those of the verdict it leads to, which have an index."""
        return queryset.filter(**{name: value}, verdict=VERDICT_OF[Reason(value)])


class CitationList(ScopedList[Citation]):
    """Citations with their verdicts, newest first."""

    queryset = Citation.objects.select_related("found_in").defer("found_in__text")
    serializer_class = CitationOut
    filterset_class = CitationFilter
