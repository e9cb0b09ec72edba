"""What plans of erasures are drawn up from, read for many traces at once: many cost no more questions than one.

It holds for one drawing up, of one trace or of several that are planned one after the other with nothing done between.
A plan that is drawn up again, under locks, reads anew. Whatever is asked under the lock of a blob is not asked here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Count, Max, Min, Q

from evidence.models import (
    Binder,
    Blob,
    Disposal,
    Erasure,
    IngestBatch,
    Span,
    System,
    Trace,
)
from evidence.otlp.records import Signal
from evidence.otlp.values import find_moved
from evidence.services.disposal.blobs_read import BlobsRead
from evidence.services.disposal.refused import refused_of_any
from evidence.services.moved_values import MovedValues, moved_by

TOGETHER: Final = 50  # traces that are read at once: all they said is held meanwhile
_MOST_SUSPECTS: Final = 20_000  # requests that are held, beside those that spans name

# Each as one trace would be asked about, with those that are erased before it.
_ROWS: Final = """
SELECT asked.trace_id, found.table_name, found.n
FROM unnest(%(traces)s::uuid[]) AS asked(trace_id), LATERAL tracebinder_rows_of(%(system)s, asked.trace_id) AS found
"""
_WORDS: Final = """
SELECT asked.trace_id, found.words, found.shared_with
FROM unnest(%(traces)s::uuid[]) WITH ORDINALITY AS asked(trace_id, n), LATERAL tracebinder_words_of(
    %(system)s, asked.trace_id, %(gone)s::uuid[] || (%(traces)s::uuid[])[1:asked.n::int - 1]) AS found
"""
_COPIES: Final = """
SELECT asked.trace_id, found.table_name, found.row_id, found.kept_for
FROM unnest(%(traces)s::uuid[]) WITH ORDINALITY AS asked(trace_id, n), LATERAL tracebinder_copies_of(
    %(system)s, asked.trace_id, %(gone)s::uuid[] || (%(traces)s::uuid[])[1:asked.n::int - 1]) AS found
"""


class Period(NamedTuple):
    """When the spans and revisions of a trace began: the earliest and the latest."""

    began: datetime
    ended: datetime


def periods_of(system: System, trace_ids: Collection[UUID]) -> dict[UUID, Period]:
    """Return when each trace began; of one of which only refused items are there, when these came.

    One of which nothing is there is left out.
    """
    times = defaultdict[UUID, list[datetime]](list)
    for model in (Span, Trace):
        rows = (
            model._default_manager.filter(system=system, trace_id__in=trace_ids).values("trace_id").order_by()
        )
        for row in rows.annotate(first=Min("started_at"), last=Max("started_at")):
            times[row["trace_id"]] += [row["first"], row["last"]]
    if left := [trace_id for trace_id in trace_ids if trace_id not in times]:
        rejects = refused_of_any(system, left).values("trace_id").order_by()
        for came in rejects.annotate(first=Min("created_at"), last=Max("created_at")):
            times[UUID(came["trace_id"])] += [came["first"], came["last"]]
    return {trace_id: Period(min(found), max(found)) for trace_id, found in times.items()}


class AtOnce:
    """What is stored of some traces of one system."""

    def __init__(
        self,
        system: System,
        trace_ids: Sequence[UUID],
        *,
        gone: Collection[UUID] = (),
        blobs: BlobsRead | None = None,
    ) -> None:
        """Take the traces in the order in which they are erased.

        Args:
            gone: traces of the system that are erased before all of these.
            blobs: what is known of blobs already, from traces that are planned with these.
        """
        self.system = system
        self.blobs = blobs or BlobsRead(system)
        self._asked: dict[str, Any] = {"system": system.pk, "traces": [*trace_ids], "gone": [*gone]}
        self._traces: dict[str, Any] = {"system": system, "trace_id__in": [*trace_ids]}
        self._refused = refused_of_any(system, trace_ids)

    def rows_of(self, trace_id: UUID) -> list[tuple[str, int]]:
        """Return the tables that have rows of a trace, with how many."""
        return self._rows.get(trace_id, [])

    def words_of(self, trace_id: UUID) -> list[tuple[str, UUID | None]]:
        """Return the texts of a trace, each with another trace that says it as well."""
        return self._words.get(trace_id, [])

    def copies_of(self, trace_id: UUID) -> list[tuple[str, int, UUID | None]]:
        """Return the rows of no trace that hold words of it, each with the trace that it is kept for."""
        return self._copies.get(trace_id, [])

    def requests_of(self, trace_id: UUID) -> set[int]:
        """Return the keys of the requests that brought spans or refused items of a trace."""
        return self._requests[trace_id]

    def bodies_of(self, trace_id: UUID) -> list[str]:
        """Return the digests of the bodies of these that are kept."""
        keys = sorted(pk for pk in self.requests_of(trace_id) if pk in self._bodies)
        return [self._bodies[pk] for pk in keys]

    def last_revision(self, trace_id: UUID) -> Trace | None:
        """Return the newest revision of a trace."""
        return next(iter(self.revisions_of(trace_id)), None)

    def revisions_of(self, trace_id: UUID) -> list[Trace]:
        """Return the revisions of a trace, the newest first."""
        return self._revisions.get(trace_id, [])

    def n_spans(self, trace_id: UUID) -> int:
        """Return how many spans of a trace are stored."""
        return self._n_spans.get(trace_id, 0)

    def tombstones_of(self, trace_id: UUID) -> list[tuple[int, datetime]]:
        """Return the erasures of a trace, the first one first."""
        return self._tombstones.get(trace_id, [])

    def values_named_by(self, trace_id: UUID) -> list[tuple[int, set[str]]]:
        """Return what the spans and refused spans of a trace name of large values, by the request that brought them."""
        return self._named.get(trace_id, [])

    def moved(self, batch_ids: Collection[int]) -> Mapping[int, MovedValues]:
        """Return what each request moved out of its spans."""
        new = [pk for pk in batch_ids if pk not in self._moved]
        if new:
            self._moved.update(moved_by(new))
        return self._moved

    @cached_property
    def some_spans_went(self) -> bool:
        """Whether retention ever took spans."""
        return self.blobs.once("spans went", Disposal.objects.filter(kind=Disposal.Kind.SPANS).exists)

    @cached_property
    def suspects(self) -> list[tuple[int, str]] | None:
        """Requests of the system that may hold of a trace what no row names, with bodies; None: too many to hold."""

        def find() -> list[tuple[int, str]] | None:
            rows = IngestBatch.objects.filter(suspected(), system_ids__contains=[self.system.pk])
            found = list(rows.values_list("pk", "body_digest")[: _MOST_SUSPECTS + 1])
            if len(found) > _MOST_SUSPECTS:
                return None
            self.blobs.know_removals(digest for _, digest in found)
            return found

        return self.blobs.once("suspects", find)

    def binders_with(self, trace_id: UUID) -> list[str]:
        """Return the exported binders whose scope covers a revision of a trace."""
        return sorted(
            {
                name
                for trace in self.revisions_of(trace_id)
                for name, period_from, period_to, as_of in self._binders
                if period_from <= trace.started_at < period_to and as_of >= trace.sealed_at
            }
        )

    @cached_property
    def _rows(self) -> dict[UUID, list[Any]]:
        with connection.cursor() as cursor:
            cursor.execute(_ROWS, self._asked)
            return _by_trace(cursor.fetchall())

    @cached_property
    def _words(self) -> dict[UUID, list[Any]]:
        with connection.cursor() as cursor:
            cursor.execute(_WORDS, self._asked)
            return _by_trace(cursor.fetchall())

    @cached_property
    def _copies(self) -> dict[UUID, list[Any]]:
        with connection.cursor() as cursor:
            cursor.execute(_COPIES, self._asked)
            return _by_trace(cursor.fetchall())

    @cached_property
    def _requests(self) -> Mapping[UUID, set[int]]:
        found = defaultdict[UUID, set[int]](set)
        for trace_id, batch in (
            Span.objects.filter(**self._traces).values_list("trace_id", "batch_id").distinct()
        ):
            found[trace_id].add(batch)
        for name, batch in self._refused.filter(batch__isnull=False).values_list("trace_id", "batch_id"):
            found[UUID(name)].add(batch)
        return found

    @cached_property
    def _bodies(self) -> dict[int, str]:
        keys = {pk for each in self._requests.values() for pk in each}
        rows = IngestBatch.objects.filter(pk__in=keys).exclude(body_digest="")
        bodies = dict(rows.values_list("pk", "body_digest"))
        kept = kept_blobs(bodies.values())  # of a request with application logs, no body is
        self.blobs.know(kept)
        return {pk: digest for pk, digest in bodies.items() if digest in kept}

    @cached_property
    def _revisions(self) -> dict[UUID, list[Trace]]:
        columns = ("system_id", "trace_id", "revision", "started_at", "sealed_at", "span_count", "span_ids")
        found = defaultdict[UUID, list[Trace]](list)
        for trace in Trace.objects.filter(**self._traces).only(*columns).order_by("-revision"):
            found[trace.trace_id].append(trace)
        return dict(found)

    @cached_property
    def _n_spans(self) -> dict[UUID, int]:
        rows = Span.objects.filter(**self._traces).values("trace_id").order_by()
        return dict(rows.annotate(n=Count("pk")).values_list("trace_id", "n"))

    @cached_property
    def _tombstones(self) -> dict[UUID, list[tuple[int, datetime]]]:
        found = defaultdict[UUID, list[tuple[int, datetime]]](list)
        rows = Erasure.objects.filter(**self._traces).order_by("pk")
        for trace_id, pk, erased_at in rows.values_list("trace_id", "pk", "erased_at"):
            found[trace_id].append((pk, erased_at))
        return dict(found)

    @cached_property
    def _named(self) -> dict[UUID, list[tuple[int, set[str]]]]:
        """Of what the spans say, nothing else is held than which values they name."""
        columns = ("trace_id", "batch_id", "attributes", "events", "links", "resource", "scope")
        spans = Span.objects.filter(**self._traces).values_list(*columns).iterator(500)
        items = self._refused.filter(batch__isnull=False).values_list("trace_id", "batch_id", "item")
        found = defaultdict[UUID, list[tuple[int, set[str]]]](list)
        for name, batch_id, named in (*_named_in(spans), *_named_in(items)):
            found[UUID(str(name))].append((batch_id, named))
        return dict(found)

    @cached_property
    def _moved(self) -> dict[int, MovedValues]:
        keys = {pk for named in self._named.values() for pk, digests in named if digests}
        return dict(moved_by(keys)) if keys else {}

    @cached_property
    def _binders(self) -> list[tuple[str, datetime, datetime, datetime]]:
        columns = ("file_name", "period_from", "period_to", "as_of")
        return list(Binder.objects.filter(system=self.system).values_list(*columns))


def suspected() -> Q:
    """Return the condition that a request may hold of a trace what no row of it names."""
    return Q(n_duplicate__gt=0) | Q(n_rejected__gt=0) | Q(signal=Signal.LOGS)


def kept_blobs(digests: Iterable[str]) -> set[str]:
    """Return those of some digests that the store has, or had."""
    return {*Blob.objects.filter(pk__in={*digests}).values_list("pk", flat=True)}


def _by_trace(rows: Iterable[Sequence[Any]]) -> dict[UUID, list[Any]]:
    found = defaultdict[UUID, list[Any]](list)
    for trace_id, *told in rows:
        found[trace_id].append(tuple(told))
    return dict(found)


def _named_in(rows: Iterable[Sequence[Any]]) -> list[tuple[Any, int, set[str]]]:
    return [(name, batch_id, set(find_moved(content))) for name, batch_id, *content in rows]
