"""Which traces a binder is about."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

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
from django.db.models.functions import Cast

from evidence.models import Trace
from evidence.selectors.binder.scope import PAGE, BinderScope

Keys = Sequence[int]
TRACES_AT_ONCE: Final = 500  # held in memory with what hangs on them


class AnyOf(Func):
    """Whether a column is one of many keys."""

    template = "(%(expressions)s))"
    arg_joiner = " = ANY ("
    output_field = BooleanField()

    def __init__(self, column: str, keys: Iterable[object], *, of: Field[Any, Any] | None = None) -> None:
        super().__init__(F(column), array_of(keys, of or BigIntegerField()))


def array_of(keys: Iterable[object], kind: Field[Any, Any]) -> Cast:
    """Return an array of numbers or ids. It is sent as one text: as many values, each would be prepared by itself."""
    return Cast(Value(f"{{{','.join(map(str, keys))}}}"), ArrayField(kind))


class TracePages:
    """The keys of the traces in scope, a page at a time: found once for all files, and held in 8 bytes each.

    Where rows are written in the order of their own keys within a page, the size of a page is part of the format.
    """

    def __init__(self, scope: BinderScope) -> None:
        self._traces = traces_in_scope(scope)
        self._found: array[int] | None = None

    def __iter__(self) -> Iterator[Keys]:
        return self.of(PAGE)

    def of(self, size: int) -> Iterator[Keys]:
        """Yield pages of another size, for what is written in one order whatever the size is."""
        if self._found is None:
            keys = self._traces.order_by("pk").values_list("pk", flat=True)
            self._found = array("q", keys.iterator(chunk_size=10_000))
        for begin in range(0, len(self._found), size):
            yield self._found[begin : begin + size].tolist()


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
