"""Which traces a binder is about."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Final

from django.db.models import Exists, OuterRef, QuerySet

from evidence.models import Trace
from evidence.selectors.binder.scope import PAGE, BinderScope

Keys = Sequence[int]
TRACES_AT_ONCE: Final = 500  # held in memory with what hangs on them


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
