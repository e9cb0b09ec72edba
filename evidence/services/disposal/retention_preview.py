"""What retention would take at a time, told before it does: by what it is told by itself (`retention`), and counted.

Counts end where counting would take long, and say so: a month is counted to `MOST_SPANS` and is then as large as
PostgreSQL last estimated; bodies are counted to `MOST_BODIES`, the oldest first. Of systems that are not the
reader's it says that there are such, and neither which nor why they are held.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.db.models import OuterRef, QuerySet, Subquery

from evidence.access import Principal, member_systems
from evidence.models import Blob, IngestBatch, LegalHold, System
from evidence.selectors.holds import active_holds
from evidence.services.disposal.retention import MonthPlan, bodies_due, has_stray_spans, plan_months
from evidence.services.disposal.uses import period_before
from evidence.statement_limit import statements_limited

MOST_MONTHS: Final = 24  # the oldest; all of those that are due go
MOST_SPANS: Final = 2_000  # of one month
MOST_BODIES: Final = 5_000  # of one signal
LONGEST: Final = 2.0  # seconds that one statement may take
_OTHERS: Final = 0  # the key of no system: of all that are not the reader's
_COUNT: Final = """
SELECT months.number, span.system_id, count(*), min(span.started_at)
FROM unnest(%s::integer[], %s::timestamptz[], %s::timestamptz[]) AS months(number, first, ending)
CROSS JOIN LATERAL (SELECT system_id, started_at FROM evidence_span WHERE started_at >= months.first
    AND started_at < months.ending LIMIT %s) AS span GROUP BY 1, 2
"""
_SIZES: Final = "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relname = ANY(%s)"


@dataclass(frozen=True, slots=True)
class Share:
    """What of something is one system's. A body that holds several systems' is counted for each."""

    system: System | None  # None: of systems that are not the reader's
    n: int


@dataclass(frozen=True, slots=True)
class MonthPreview:
    """A month of spans that is old enough."""

    plan: MonthPlan
    n: int
    is_exact: bool  # False: as PostgreSQL last estimated it, and shares are at least so many
    oldest: datetime | None  # None: it was not counted to its end
    size: int  # bytes, with its indexes
    shares: Sequence[Share]
    hold: (
        LegalHold | None
    )  # the first of the reader's systems that keeps it, whether or not another does, too


@dataclass(frozen=True, slots=True)
class Bodies:
    """Some raw bodies of requests."""

    n: int  # of different bytes
    is_all: bool  # False: there are more
    oldest: datetime | None  # when it was received
    size: int  # bytes
    shares: Sequence[Share]


@dataclass(frozen=True, slots=True)
class SignalPreview:
    """The raw bodies of a signal that are old enough."""

    signal: str
    days: int  # its period; 0: it is kept for ever
    due: Bodies
    held: Bodies
    n_rests: (
        int  # what erasures left of bodies that are due: so many at most go, as those that others have stay
    )


@dataclass(frozen=True, slots=True)
class Preview:
    """What retention would take at a time, of what is stored now."""

    at: datetime
    months: Sequence[MonthPreview]
    n_more_months: int
    signals: Sequence[SignalPreview]
    has_strays: bool
    holds: Sequence[LegalHold]  # in force, of the reader's systems
    n_other_holds: int


def preview_retention(*, principal: Principal, at: datetime) -> Preview:
    """Return what retention would take at a time, of what is stored now, and what it would keep though it is old.

    Raises:
        TookTooLong: a statement took longer than `LONGEST`.
    """
    mine = {system.pk: system for system in member_systems(principal)}
    with statements_limited(LONGEST):
        holds = list(active_holds())
        plans = plan_months(at, holds)
        own_holds = [hold for hold in holds if hold.system_id in mine]
        return Preview(
            at=at,
            months=_count_months(plans[:MOST_MONTHS], mine),
            n_more_months=max(0, len(plans) - MOST_MONTHS),
            signals=[_count_signal(signal, at, mine, holds) for signal in settings.RETENTION_DAYS],
            has_strays=has_stray_spans(at),
            holds=own_holds,
            n_other_holds=len(holds) - len(own_holds),
        )


def _count_months(plans: Sequence[MonthPlan], mine: Mapping[int, System]) -> list[MonthPreview]:
    if not plans:
        return []
    numbers = list(range(len(plans)))
    with connection.cursor() as cursor:
        firsts, ends = [plan.month for plan in plans], [plan.end for plan in plans]
        cursor.execute(_COUNT, [numbers, firsts, ends, MOST_SPANS + 1])
        counted = cursor.fetchall()
        cursor.execute(_SIZES, [[plan.partition for plan in plans]])
        sizes = dict(cursor.fetchall())
    found = []
    for number, plan in enumerate(plans):
        rows = [(system_id, n, first) for month, system_id, n, first in counted if month == number]
        n = sum(each for _system, each, _first in rows)
        is_exact = n <= MOST_SPANS
        found.append(
            MonthPreview(
                plan=plan,
                n=n if is_exact else max(n, plan.n_estimated),
                is_exact=is_exact,
                oldest=min((first for _system, _n, first in rows), default=None) if is_exact else None,
                size=sizes.get(plan.partition, 0),
                shares=_shares(((system_id, each) for system_id, each, _first in rows), mine),
                hold=next((hold for hold in plan.holds if hold.system_id in mine), None),
            )
        )
    return found


def _count_signal(
    signal: str, at: datetime, mine: Mapping[int, System], holds: Sequence[LegalHold]
) -> SignalPreview:
    before, days = period_before(signal, at), settings.RETENTION_DAYS[signal]
    if before is None:
        nothing = Bodies(0, is_all=True, oldest=None, size=0, shares=())
        return SignalPreview(signal, days, nothing, nothing, 0)
    due, held = bodies_due(signal, before, holds=holds)
    rests, _ = bodies_due(signal, before, rewritten=True, holds=holds)
    n_rests = rests.values("body_digest").distinct()[:MOST_BODIES].count()
    return SignalPreview(signal, days, _count_bodies(due, mine), _count_bodies(held, mine), n_rests)


def _count_bodies(batches: QuerySet[IngestBatch], mine: Mapping[int, System]) -> Bodies:
    """Count different bytes, whoever sent them, from the oldest on."""
    size = Subquery(Blob.objects.filter(pk=OuterRef("body_digest")).values("size"))
    columns = ("body_digest", "system_ids", "received_at", "bytes")
    rows: list[Any] = list(
        batches.annotate(bytes=size).order_by("received_at").values_list(*columns)[: MOST_BODIES + 1]
    )
    counted = rows[:MOST_BODIES]
    systems: dict[str, set[int]] = {}
    sizes: dict[str, int] = {}
    for digest, system_ids, _received, each in counted:
        systems.setdefault(digest, set()).update(system_ids)
        sizes[digest] = each
    return Bodies(
        n=len(sizes),
        is_all=len(rows) == len(counted),
        oldest=rows[0][2] if rows else None,
        size=sum(sizes.values()),
        shares=_shares(((system_id, 1) for ids in systems.values() for system_id in _told(ids, mine)), mine),
    )


def _told(system_ids: Collection[int], mine: Mapping[int, System]) -> set[int]:
    """Return systems with all that are not the reader's as one: a body of two of them is one body."""
    return {system_id if system_id in mine else _OTHERS for system_id in system_ids}


def _shares(counts: Iterable[tuple[int, int]], mine: Mapping[int, System]) -> list[Share]:
    """Return the shares of systems, the largest first, with all that are not the reader's as one."""
    found: Counter[int] = Counter()
    for system_id, n in counts:
        found[system_id if system_id in mine else _OTHERS] += n
    return [Share(mine.get(system_id), n) for system_id, n in found.most_common()]
