"""Our clock: the one place that asks what time it is, and what had been committed by then.

Rows carry the time at which they were made, and that is before they are committed: whoever asks for the rows up to a
time would be given others later, as transactions that were open then end. So each append-only row also carries the
transaction that wrote it (`AppendOnlyModel.xact_id`), and a decision is made as of a `Moment`: a time with the
transactions that were committed by then. It sees everything that was acknowledged before, waits for nobody, and reads
the same rows for ever (docs/decisions/0017-one-clock.md).

Senders' clocks are data and never come through here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from evidence.errors import ClockBehind, ClockSetBack, InvalidInput
from evidence.locks import Lock, hold
from evidence.models import AuditEvent, Moment
from evidence.worded import worded

_SHUFFLED: Final = 50  # events
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AsOf:
    """A time, and which transactions had been committed by then."""

    at: datetime  # aware, UTC
    before: int  # transactions from this number on had not begun
    running: tuple[int, ...]  # transactions below it that had not ended

    def knew(self, time: str = "", *, of: str = "") -> Q:
        """Return the condition that a row was on record.

        A row from before rows carried their transaction is judged by its time alone.

        Args:
            time: the column of the row that holds our clock's time; empty where it has none.
            of: where the outer row leads to the row in question, "task__"; empty: it is one.
        """
        known = Q(**{f"{of}xact_id__isnull": True}) | (
            Q(**{f"{of}xact_id__lt": self.before}) & ~Q(**{f"{of}xact_id__in": self.running})
        )
        return Q(**{f"{of}{time}__lte": self.at}) & known if time else known

    def did_not_know(self) -> Q:
        """Return the condition that a row was not on record, whatever its time; an index over `xact_id` finds it."""
        began = Q(xact_id__gte=min(self.running, default=self.before))
        return began & (Q(xact_id__gte=self.before) | Q(xact_id__in=self.running))

    def knew_of(self, xact_id: int | None) -> bool:
        """Whether a row of this transaction was on record, as `knew` asks; None: of before rows carried one."""
        return xact_id is None or (xact_id < self.before and xact_id not in self.running)


def beginning_of(day: date) -> datetime:
    """Return the first moment of a day, aware, UTC."""
    return datetime.combine(day, time.min, UTC)


def now() -> datetime:
    """Return the time, aware, UTC, to the microsecond."""
    return timezone.now()


@dataclass(frozen=True, slots=True)
class LastOnRecord:
    """What the last moment and the last events say: what no clock and no transaction of today lies before."""

    at: datetime  # the latest of their times, which concurrent writers shuffle
    before: int  # of the last moment, as `AsOf` has it; 0 without one
    event: int  # the transaction of the last event; 0 without one, or where it is from before events carried theirs


def read_last() -> LastOnRecord:
    """Return what the newest rows say of time and transactions."""
    moment = Moment.objects.order_by("-at").values_list("at", "before").first()
    events = list(AuditEvent.objects.order_by("-pk").values_list("occurred_at", "xact_id")[:_SHUFFLED])
    times = [*(occurred_at for occurred_at, _ in events), *([moment[0]] if moment else [])]
    return LastOnRecord(
        at=max(times, default=_NEVER),
        before=moment[1] if moment else 0,
        event=(events[0][1] or 0) if events else 0,
    )


def seconds_behind(last: LastOnRecord | None = None) -> float:
    """Return by how much the clock is behind the last moment and the last events; 0 where it is not.

    Args:
        last: as it was read before; None: it is read now.
    """
    return max(0.0, ((last or read_last()).at - now()).total_seconds())


def check_numbering(last: LastOnRecord) -> None:
    """See that transactions are numbered above what is on record.

    Args:
        last: as `read_last` returned it before: others go on meanwhile.

    Raises:
        ClockBehind: the database was restored into a younger one, whose transactions are numbered anew.
    """
    before, _ = _read_snapshot()
    if before < last.before or before <= last.event:
        raise ClockBehind


def read_moment(*, may_run_ahead: bool = False) -> AsOf:
    """Return the present, and keep it: what is read as of it can be read again.

    Its time is later than that of every moment before, and of the last events. Call it before the transaction that
    decides, so that moments are not held up by decisions; inside one, what that transaction has written itself counts
    as committed.

    Args:
        may_run_ahead: go on from the last time on record, however far the clock is behind it: for work that must not
            stand still, and leaves nothing out by its time.

    Raises:
        ClockBehind: the database was restored into a younger one, whose transactions are numbered anew.
        ClockSetBack: the clock is further behind what is on record than the settings tolerate.
    """
    if not may_run_ahead and (behind := seconds_behind()) > settings.CLOCK_TOLERANCE:
        raise ClockSetBack(behind, settings.CLOCK_TOLERANCE)
    with transaction.atomic():
        hold(Lock.CLOCK)
        last = Moment.objects.order_by("-at").first()
        before, running = _read_snapshot()
        if last is not None and before < last.before:
            raise ClockBehind
        at = max(now(), read_last().at + timedelta(microseconds=1))
        Moment.objects.create(at=at, before=before, running=running)
    return AsOf(at, before, tuple(running))


def read_present() -> AsOf:
    """Return the present without keeping it: for what is shown, and never decided, as of it."""
    before, running = _read_snapshot()
    return AsOf(now(), before, tuple(running))


def own_transaction() -> int | None:
    """Return the transaction that asks, as its rows have it; None where it has written nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id_if_assigned()::text::bigint + tracebinder_xact_offset()")
        (own,) = cursor.fetchone() or (None,)
    return own


def as_of_asked_for(time: datetime | None) -> AsOf:
    """Return what somebody asks to have decided or packed as of: a time, or the present where they name none.

    A time that is on record is no future, however far this host's clock is behind the one that put it there.

    Raises:
        InvalidInput: the time is in the future.
        ClockBehind, ClockSetBack: as `read_moment` does.
    """
    if time is None:
        return read_moment()
    if time > max(now(), read_last().at):
        raise InvalidInput(worded("as_of is in the future: what is recorded until then is not known yet."))
    return as_of(time)


def as_of(time: datetime) -> AsOf:
    """Return a time with what had been committed by then: by the first moment that was kept at or after it.

    Of the rows made by then this leaves out those whose transactions ended after that moment, whenever one asks.

    Raises:
        ClockBehind, ClockSetBack: as `read_moment` does, where no moment was kept at or after it.
    """
    kept = Moment.objects.filter(at__gte=time).order_by("at").first()
    if kept is None:
        present = read_moment()
        return AsOf(time, present.before, present.running)
    return AsOf(time, kept.before, tuple(kept.running))


def _read_snapshot() -> tuple[int, list[int]]:
    """Return which transactions had ended when this statement began; one's own counts as ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT before, running FROM tracebinder_snapshot()")
        before, running = cursor.fetchone() or (0, [])
    return before, running
