"""Sealed traces read again by a version of their system's reading that was approved since.

Each makes a revision of its own, over the spans of the one before, which stays what it was: its reviews are of it. What
a trace was read by, and that this is another, its flags say (`reading_changed`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection, transaction

from evidence import acts, clock
from evidence.access import Principal
from evidence.errors import ConflictingContent, InvalidInput
from evidence.models import System
from evidence.selectors.readings import READING_SLOT, find_readings_in_force
from evidence.services import audit
from evidence.worded import worded

MOST_AT_ONCE: Final = 10_000  # traces of one call

_TO_READ: Final = f"""
    FROM evidence_trace t
    WHERE t.system_id = %(system)s AND t.started_at >= %(since)s AND t.started_at < %(until)s
    AND NOT EXISTS (
        SELECT FROM evidence_trace later WHERE (later.system_id, later.trace_id) = (t.system_id, t.trace_id)
            AND later.revision > t.revision)
    AND NOT EXISTS (
        SELECT FROM evidence_traceversion used
        WHERE used.trace_id = t.id AND used.slot = '{READING_SLOT}' AND used.version_id = %(version)s)
    AND NOT EXISTS (
        SELECT FROM evidence_erasure e WHERE (e.system_id, e.trace_id) = (t.system_id, t.trace_id))
    AND NOT EXISTS (
        SELECT FROM evidence_pendingtrace p
        WHERE (p.system_id, p.trace_id) = (t.system_id, t.trace_id) AND p.read_again)
    AND EXISTS (SELECT FROM evidence_span s WHERE (s.trace_id, s.system_id) = (t.trace_id, t.system_id))
"""  # noqa: S608  # our own name
# In the order in which ingest locks what it shares with this.
_QUEUE: Final = f"""
    INSERT INTO evidence_pendingtrace
        (system_id, trace_id, generation, root_ended, first_received_at, last_received_at, read_again)
    SELECT system_id, trace_id, 1, true, %(now)s, %(now)s, true
    FROM (SELECT t.system_id, t.trace_id {_TO_READ} ORDER BY t.started_at, t.id LIMIT %(most)s) AS found
    ORDER BY trace_id, system_id
    ON CONFLICT (system_id, trace_id) DO UPDATE SET
        generation = evidence_pendingtrace.generation + 1, read_again = true
    RETURNING id
"""  # noqa: S608  # likewise
_COUNT: Final = f"SELECT count(*) {_TO_READ}"  # likewise


@dataclass(frozen=True, slots=True)
class ReadAgain:
    """How many traces wait to be read again by now, and how many of the period are left for another call."""

    queued: int
    left: int


@transaction.atomic
def read_again(
    *,
    principal: Principal,
    system: System,
    since: datetime,
    until: datetime,
    reason: str,
    most: int = MOST_AT_ONCE,
) -> ReadAgain:
    """Have the traces that began in a period read again, the earliest first, where another version read them.

    Left alone are those that were erased, and those whose spans are gone.

    Args:
        until: not included.
        most: how many by this call, at most `MOST_AT_ONCE`.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_read_again` does.
        InvalidInput: no reason, an empty period, or a number out of range.
        ConflictingContent: no version of the system's reading is approved.
    """
    acts.check_can_read_again(principal, system)
    if not reason.strip():
        raise InvalidInput(worded("Say why: it stays on record with what is read again."))
    if since >= until:
        raise InvalidInput(worded("The period is empty: it begins before it ends."))
    if not 1 <= most <= MOST_AT_ONCE:
        raise InvalidInput(
            worded("At most %(most)s traces are read again by one call, and at least one.", most=MOST_AT_ONCE)
        )
    in_force = find_readings_in_force([system.pk])[system.pk].version
    if in_force is None:
        raise ConflictingContent(
            worded(
                "Nobody has approved a reading of system %(system_key)s, so there is none to read its "
                "traces by.",
                system_key=repr(system.key),
            )
        )
    done = _queue(system.pk, in_force.pk, since, until, most)
    audit.record(
        verb="reading_version.applied",
        actor=principal.actor,
        obj=in_force,
        system=system,
        digest=in_force.digest,
        payload={
            "since": since.isoformat(), "until": until.isoformat(), "traces": done.queued, "reason": reason,
        },
    )  # fmt: skip
    return done


def _queue(system_id: int, version_id: int, since: datetime, until: datetime, most: int) -> ReadAgain:
    asked: dict[str, int | datetime] = {
        "system": system_id, "version": version_id, "since": since, "until": until, "most": most, "now": clock.now(),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE, asked)
        queued = len(cursor.fetchall())
        cursor.execute(_COUNT, asked)
        (left,) = cursor.fetchone() or (0,)
    return ReadAgain(queued, left)
