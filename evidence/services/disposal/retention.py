"""Retention: months of spans and raw request bodies that are older than their signal's period go, on record.

Spans go by partition, so no row is ever deleted: the function that drops one (`evidence.disposal_rules`) first
writes how many spans it held and a digest over their digests. What was assembled from them, and every digest in
the log, stays. A legal hold wins: what it covers is kept, and the report says so.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from evidence import clock, locks
from evidence.digests import sha256_hex
from evidence.disposal_rules import MIN_AGE_DAYS
from evidence.models import Blob, BlobRemoval, Disposal, IngestBatch, LegalHold
from evidence.selectors.holds import active_holds, is_held
from evidence.services import audit
from evidence.services.blobs import originals_of, what_is_left
from evidence.services.disposal.blob_removal import remove_blobs
from evidence.services.disposal.uses import period_before

logger = logging.getLogger(__name__)

ACTOR: Final = "system:retention"
_PARTITION: Final = re.compile(r"evidence_span_(\d{4})_(\d{2})")
_BODIES_AT_ONCE: Final = 5_000  # in one transaction
_PARTITIONS: Final = """
SELECT child.relname, greatest(child.reltuples, 0)::bigint FROM pg_inherits
JOIN pg_class AS child ON child.oid = inhrelid WHERE inhparent = 'evidence_span'::regclass ORDER BY child.relname
"""
# The holds that keep each month. Of each pair of both whether a span is there: looked for one by one, in the month's
# partition alone.
_HELD: Final = """
SELECT pair.month, array_agg(pair.hold ORDER BY pair.hold) FROM unnest(%s::integer[], %s::bigint[], %s::bigint[],
    %s::timestamptz[], %s::timestamptz[]) AS pair(month, hold, system, first, ending)
CROSS JOIN LATERAL (SELECT 1 FROM evidence_span WHERE system_id = pair.system AND started_at >= pair.first
    AND started_at < pair.ending LIMIT 1) AS found GROUP BY pair.month
"""
_STRAY: Final = """
SELECT EXISTS (
    SELECT FROM evidence_span WHERE tableoid = 'evidence_span_default'::regclass AND started_at < %s)
"""


@dataclass(frozen=True, slots=True)
class MonthPlan:
    """A month of spans that is older than the period."""

    partition: str
    month: datetime  # its first moment, UTC
    n_estimated: int  # spans, as the last ANALYZE counted them
    kept_because: str  # empty: it may go
    holds: tuple[LegalHold, ...] = ()  # that keep it, the first placed first

    @property
    def end(self) -> datetime:
        """The first moment after it, UTC."""
        return _next_month(self.month)


@dataclass(frozen=True, slots=True)
class RetentionReport:
    """What retention did, or would do, and what it kept though it is old enough."""

    months: list[MonthPlan]
    disposals: list[Disposal]  # empty in a dry run
    n_bodies: int  # raw bodies taken away, or due
    n_bodies_held: int  # old enough, and kept for a legal hold
    stray_spans: bool  # old spans lie in the default partition, until a partition is made for their month


def apply_retention(*, now: datetime | None = None, dry_run: bool = False) -> RetentionReport:
    """Take away what is older than its signal's retention period. A period of 0 days keeps for ever.

    Args:
        now: our clock; for tests.
        dry_run: only say what would go and what is kept.
    """
    now = now or clock.now()
    months, disposals = plan_months(now), []
    if not dry_run:
        disposals = [gone for plan in months if not plan.kept_because and (gone := drop_month(plan.month))]
    n_bodies = n_held = 0
    for signal in settings.RETENTION_DAYS:
        before = period_before(signal, now)
        if before is None:
            continue
        due, held = bodies_due(signal, before)
        n_held += held.count()
        if dry_run:
            n_bodies += due.values("body_digest").distinct().count() + len(_rests_due(signal, before))
            continue
        while gone := remove_bodies(signal, before):
            disposals.append(gone)
            n_bodies += gone.n_items
    return RetentionReport(months, disposals, n_bodies, n_held, has_stray_spans(now))


def plan_months(now: datetime, holds: Iterable[LegalHold] | None = None) -> list[MonthPlan]:
    """Return the partitions wholly older than the spans' period, and why one of them has to stay.

    Args:
        now: our clock, or the time that is asked about.
        holds: the active ones, where they were read already.
    """
    before = period_before("traces", now)
    if before is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_PARTITIONS)
        partitions = cursor.fetchall()
    old = {}
    for name, estimate in partitions:
        found = _PARTITION.fullmatch(name)
        month = datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC) if found else before
        if _next_month(month) <= before:
            old[month] = (name, estimate)
    keeping = _holds_of(list(old), active_holds() if holds is None else holds) if old else {}
    return [
        MonthPlan(
            name,
            month,
            estimate,
            _why_kept(_next_month(month), keeping.get(month, ()), now),
            keeping.get(month, ()),
        )
        for month, (name, estimate) in old.items()
    ]


@transaction.atomic
def drop_month(month: datetime) -> Disposal | None:
    """Drop one month of spans with its record and its audit event; None where the database has it wait.

    That is where somebody reads the table for longer than the function waits for its lock, or where a hold was
    placed since the months were planned.
    """
    reason = f"retention of {settings.RETENTION_DAYS['traces']} days"
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT tracebinder_drop_span_partition(%s, %s, %s)", [month.date(), ACTOR, reason]
            )
            (pk,) = cursor.fetchone() or (0,)
    except (OperationalError, IntegrityError) as exc:
        logger.warning("%s: %s", month.date(), exc)
        return None
    disposal = Disposal.objects.get(pk=pk)
    _record(disposal)
    return disposal


@transaction.atomic
def remove_bodies(signal: str, before: datetime) -> Disposal | None:
    """Take away raw bodies of a signal received before a time, a few thousand at once; None where none is due."""
    locks.hold(locks.Lock.DISPOSAL)  # a hold placed from here on finds its bodies still there, or comes later
    due, _ = bodies_due(signal, before)
    digests = sorted(set(due.order_by("pk").values_list("body_digest", flat=True)[:_BODIES_AT_ONCE]))
    digests = digests or _rests_due(signal, before)[:_BODIES_AT_ONCE]
    if not digests:
        return None
    disposal = Disposal.objects.create(
        kind=Disposal.Kind.BODIES,
        subject=signal,
        period_to=before,
        n_items=len(digests),
        digest=sha256_hex(",".join(digests).encode()),
        reason=f"retention of {settings.RETENTION_DAYS[signal]} days",
        disposed_by=ACTOR,
        disposed_at=clock.now(),
    )
    remove_blobs(digests, disposal=disposal, actor=ACTOR)
    _record(disposal)
    return disposal


def _record(disposal: Disposal) -> None:
    details = {"kind": disposal.kind, "subject": disposal.subject, "n_items": disposal.n_items}
    audit.record(
        verb="retention.disposed", actor=ACTOR, obj=disposal, digest=disposal.digest, payload=details
    )


def _rests_due(signal: str, before: datetime) -> list[str]:
    """Return the digests of what erasures left of bodies that are due."""
    due, _ = bodies_due(signal, before, rewritten=True)
    rests = {what_is_left(digest) for digest in due.values_list("body_digest", flat=True)}
    there = Blob.objects.filter(pk__in=rests, removal__isnull=True).values_list("pk", flat=True)
    return sorted(digest for digest in there if not _is_wanted(digest, signal, before))


def _is_wanted(digest: str, signal: str, before: datetime) -> bool:
    """Whether the same bytes are, or are what is left of, a request that is not due: it is too young, or is held."""
    batches = IngestBatch.objects.filter(body_digest__in=originals_of(digest))
    return batches.filter(is_held() | Q(received_at__gte=before) | ~Q(signal=signal)).exists()


def bodies_due(
    signal: str, before: datetime, *, rewritten: bool = False, holds: Iterable[LegalHold] | None = None
) -> tuple[QuerySet[IngestBatch], QuerySet[IngestBatch]]:
    """Return the batches whose body is old enough and still there: those that may go, and those held.

    A body may hold spans of every system its token writes to, so a hold on one of them keeps it.

    Args:
        rewritten: those of whose body an erasure left a part.
        holds: the active ones, where they were read already.
    """
    old = IngestBatch.objects.filter(
        Exists(Blob.objects.filter(pk=OuterRef("body_digest"))), signal=signal, received_at__lt=before
    )
    removed = BlobRemoval.objects.filter(blob=OuterRef("body_digest"))
    rest = Exists(removed.filter(remainder__isnull=False))
    still_there = old.filter(rest if rewritten else ~Exists(removed))
    newer = IngestBatch.objects.filter(body_digest=OuterRef("body_digest"), received_at__gte=before)
    # Few: `_rests_due` looks at each.
    rests_of = BlobRemoval.objects.filter(remainder=OuterRef("body_digest"))
    held = is_held(holds)
    free = still_there.filter(~held, ~Exists(newer))
    return free if rewritten else free.filter(~Exists(rests_of)), still_there.filter(held)


def _why_kept(end: datetime, holds: Sequence[LegalHold], now: datetime) -> str:
    """Say why a month that is old enough has to stay; empty where it may go."""
    if end > now - timedelta(days=MIN_AGE_DAYS):
        return f"it ended less than {MIN_AGE_DAYS} days ago"
    return f"legal hold {holds[0].pk} of {holds[0].system.key}: {holds[0].reason}" if holds else ""


def _holds_of(
    months: Sequence[datetime], active: Iterable[LegalHold]
) -> dict[datetime, tuple[LegalHold, ...]]:
    """Return, of the months with a span under a hold, all such holds: with one statement for all of them."""
    holds = {hold.pk: hold for hold in active}
    pairs = [
        (number, hold.pk, hold.system_id, max(month, hold.period_from), min(end, hold.period_to or end))
        for number, (month, end) in enumerate((month, _next_month(month)) for month in months)
        for hold in holds.values()
        if hold.period_from < end and (hold.period_to is None or hold.period_to > month)
    ]
    if not pairs:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [list(column) for column in zip(*pairs, strict=True)])
        return {months[number]: tuple(holds[pk] for pk in keeping) for number, keeping in cursor.fetchall()}


def has_stray_spans(now: datetime) -> bool:
    before = period_before("traces", now)
    if before is None:
        return False
    with connection.cursor() as cursor:
        cursor.execute(_STRAY, [before])
        row = cursor.fetchone()
    return bool(row and row[0])


def _next_month(month: datetime) -> datetime:
    return (month + timedelta(days=32)).replace(day=1)


def describe(report: RetentionReport, *, dry_run: bool) -> Sequence[str]:
    """Return the report as lines for a person."""
    gone = {disposal.subject: disposal for disposal in report.disposals}
    lines = []
    for plan in report.months:
        if plan.kept_because:
            lines.append(f"kept {plan.partition}: {plan.kept_because}")
        elif dry_run:
            lines.append(f"would drop {plan.partition}, about {plan.n_estimated} spans")
        elif plan.partition in gone:
            done = gone[plan.partition]
            lines.append(f"dropped {plan.partition}: {done.n_items} spans, digest {done.digest}")
        else:
            lines.append(f"kept {plan.partition}: it was in use, or is held since; the next run looks again")
    lines.append(f"{'would remove' if dry_run else 'removed'} {report.n_bodies} raw bodies")
    if report.n_bodies_held:
        lines.append(f"kept {report.n_bodies_held} raw bodies for legal holds")
    if report.stray_spans:
        lines.append(
            "the default partition holds spans older than the period, until make_partitions gives them a month"
        )
    return lines
