"""Reading traces: lists, one by id, their claims, and spans as they were sent."""

from __future__ import annotations

import uuid
from typing import Any, Final, TypeVar

from django.db.models import Model, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import principal_of, visible_to
from evidence.api.inputs import QueryInput
from evidence.api.reading import ScopedList
from evidence.api.scoped_view import ScopedView
from evidence.api.traces.filters import ClaimFilter, SpanFilter, SpanSearchFilter, TraceFilter
from evidence.api.traces.serializers import ListedClaimOut, SpanOut, TraceDetailOut, TraceOut
from evidence.api.traces.words import WordPagination
from evidence.errors import AmbiguousTrace, NotFound
from evidence.models import (
    Claim,
    Scope,
    Span,
    Trace,
)
from evidence.problems import Problem
from evidence.selectors import traces
from evidence.selectors.citations import citations_of_claims
from evidence.selectors.conversations import find_neighbours

RowT = TypeVar("RowT", bound=Model)
_OF_ITS_TRACE: Final = ("trace__trace_id", "trace__revision", "trace__system__key")  # not its long texts


class TraceList(ScopedList[Trace]):
    """The current revisions of traces, newest first."""

    queryset = traces.current_traces().defer("exchanges", "sources", "errors", "span_ids")
    serializer_class = TraceOut
    filterset_class = TraceFilter
    pagination_class = WordPagination


class RevisionQuery(QueryInput):
    """Whose trace and which revision of it; the newest where none is named."""

    system = serializers.CharField(required=False)
    revision = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)


class TraceDetail(ScopedView):
    """One trace with its claims, citations, checks, tools and versions.

    `?revision=` names an older one; `?system=` says whose, where several systems have a trace of this id.
    """

    scopes = {"GET": Scope.READ}
    queries = {"GET": RevisionQuery}

    @extend_schema(responses={200: TraceDetailOut, 404: Problem, 409: Problem, 422: Problem})
    def get(self, request: Request, trace_id: str) -> Response:
        """Return the newest revision, or the one asked for."""
        found = visible_to(traces.traces_in_full(), principal_of(request)).filter(
            trace_id=_parse_trace_id(trace_id)
        )
        found = _of_one_system(found, trace_id, self.query.get("system"))
        if "revision" in self.query:
            found = found.filter(revision=self.query["revision"])
        trace = found.order_by("-revision").first()
        if trace is None:
            raise NotFound(f"There is no trace {trace_id} among those of your systems.")
        mine = visible_to(traces.current_traces(), principal_of(request))
        return Response(TraceDetailOut(trace, context={"neighbours": find_neighbours(mine, trace)}).data)


class ClaimList(ScopedList[Claim]):
    """Claims with their citations, newest first."""

    queryset = (
        Claim.objects.select_related("trace__system")
        .only(
            "ordinal",
            "exchange",
            "text",
            "start",
            "end",
            "material",
            "origin",
            "extractor_version",
            *_OF_ITS_TRACE,
        )
        .prefetch_related(citations_of_claims())
    )
    serializer_class = ListedClaimOut
    filterset_class = ClaimFilter


class SpanList(ScopedList[Span]):
    """The spans of one trace, as stored; readable from the moment they were acknowledged."""

    queryset = Span.objects.all()
    serializer_class = SpanOut
    filterset_class = SpanFilter

    def get_queryset(self) -> QuerySet[Span]:
        """Narrow to the trace in the address."""
        queryset = super().get_queryset()
        trace_id = self.kwargs.get("trace_id")
        if not trace_id:
            return queryset
        system = self.request.query_params.get("system")
        return _of_one_system(queryset.filter(trace_id=_parse_trace_id(trace_id)), trace_id, system)


class SpanSearch(ScopedList[Span]):
    """The spans of a window of time, newest first, by system, name or attribute."""

    queryset = Span.objects.all()
    serializer_class = SpanOut
    filterset_class = SpanSearchFilter


def _of_one_system(found: QuerySet[RowT], trace_id: str, system: str | None) -> QuerySet[RowT]:
    """Return the rows of a trace in one system: a trace id in two systems is two traces.

    Raises:
        AmbiguousTrace: there are several, and none is named.
    """
    if system:
        return found.filter(system__key=system)
    keys = sorted(set(found.order_by().values_list("system__key", flat=True).distinct()))
    if len(keys) > 1:
        raise AmbiguousTrace(
            f"Systems {', '.join(keys)} each have a trace {trace_id}: add `system=` and one of them."
        )
    return found


def _parse_trace_id(text: Any) -> uuid.UUID:
    try:
        return uuid.UUID(hex=str(text))
    except ValueError as exc:
        raise NotFound(f"{str(text)[:40]!r} is no trace id: 32 hexadecimal characters.") from exc
