"""Which traces a binder is about."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    BigIntegerField,
    BooleanField,
    Exists,
    F,
    Field,
    Func,
    OuterRef,
    QuerySet,
    Value,
)

from evidence.models import Trace
from evidence.selectors.binder.scope import PAGE, BinderScope

Keys = Sequence[int]


class AnyOf(Func):
    """Whether a column is one of many keys. They are sent as one array: as many values, each is prepared by itself."""

    template = "(%(expressions)s))"
    arg_joiner = " = ANY ("
    output_field = BooleanField()

    def __init__(self, column: str, keys: Sequence[object], *, of: Field[Any, Any] | None = None) -> None:
        super().__init__(F(column), Value(list(keys), ArrayField(of or BigIntegerField())))


class TracePages:
    """The keys of the traces in scope, a page at a time: found once for all files, and held in 8 bytes each."""

    def __init__(self, scope: BinderScope) -> None:
        self._traces = traces_in_scope(scope)
        self._found: array[int] | None = None

    def __iter__(self) -> Iterator[Keys]:
        if self._found is None:
            keys = self._traces.order_by("pk").values_list("pk", flat=True)
            self._found = array("q", keys.iterator(chunk_size=10_000))
        for begin in range(0, len(self._found), PAGE):
            yield self._found[begin : begin + PAGE].tolist()


def traces_in_scope(scope: BinderScope, traces: QuerySet[Trace] | None = None) -> QuerySet[Trace]:
    """Return the release's traces that began in the period, each in the revision that was current at `as_of`."""
    return current_traces(scope, Trace.objects.all() if traces is None else traces).filter(
        release=scope.release
    )


def current_traces(scope: BinderScope, traces: QuerySet[Trace]) -> QuerySet[Trace]:
    """Return the system's traces that began in the period, likewise, whatever release they are of."""
    later = Trace.objects.filter(
        scope.as_of.knew("sealed_at"),
        system=OuterRef("system"),
        trace_id=OuterRef("trace_id"),
        revision__gt=OuterRef("revision"),
    )
    return traces.filter(
        scope.as_of.knew("sealed_at"),
        ~Exists(later),
        system=scope.system,
        started_at__gte=scope.period_from,
        started_at__lt=scope.period_to,
    )
