"""Traces that could not be assembled: put into the reject ledger with their reason, and back in the queue when asked.

What is set aside is evidence that is missing, so it is on record which release it would have belonged to: checks count
it against that one (docs/decisions/0028-what-was-set-aside.md).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from evidence import acts, clock
from evidence.access import Principal
from evidence.models import Erasure, PendingTrace, Reject, System
from evidence.otlp.spans import PARENT_IS_REMOTE
from evidence.selectors.set_aside import still_set_aside
from evidence.semconv.dialects.tracebinder import RELEASE
from evidence.services import audit
from evidence.services.assembly.queue import remove_done
from evidence.services.assembly.refusals import TraceRefused
from evidence.services.assembly.versions import ACTOR
from evidence.vocabulary import ANY_RELEASE, RejectSource

logger = logging.getLogger(__name__)

_NAME_LENGTH: Final = 100  # characters, as the mapping takes them
# Wherever the mapping may read it. It is not known here which span would speak for the trace, so all are asked; what is
# no text may be taken for any name.
_STATED: Final = f"""
    SELECT DISTINCT left(btrim(said.release), {_NAME_LENGTH}) FROM evidence_span, LATERAL (
        SELECT CASE jsonb_typeof(value) WHEN 'string' THEN value #>> '{{}}' ELSE '{ANY_RELEASE}' END
        FROM (
            VALUES (attributes -> '{RELEASE}'), (resource -> '{RELEASE}')
            UNION ALL SELECT jsonb_path_query(events, '$[*].attributes."{RELEASE}"')
        ) AS found(value)
        WHERE jsonb_typeof(value) <> 'null'
    ) AS said(release)
    WHERE system_id = %s AND trace_id = %s AND btrim(said.release) <> '' LIMIT 2
"""  # noqa: S608  # our own names
_QUEUE_AGAIN: Final = f"""
    INSERT INTO evidence_pendingtrace (system_id, trace_id, generation, root_ended, first_received_at, last_received_at)
    SELECT system_id, trace_id, 1, bool_or(parent_span_id = '' OR attributes -> '{PARENT_IS_REMOTE}' IS NOT NULL),
        min(received_at), max(received_at)
    FROM evidence_span WHERE system_id = %s AND trace_id = %s GROUP BY system_id, trace_id
    ON CONFLICT (system_id, trace_id) DO NOTHING
    RETURNING id
"""  # noqa: S608  # our own name


@transaction.atomic
def set_aside(pending: Sequence[PendingTrace], reason: TraceRefused) -> None:
    """Put traces that cannot be assembled into the reject ledger and off the queue; their spans stay."""
    for one in pending:
        logger.error("trace %s is set aside: %s: %s", one.trace_id, reason.code, reason)
        reject = Reject.objects.create(
            system_id=one.system_id,
            source=RejectSource.TRACE,
            source_ref=_release_stated(one),
            code=reason.code,
            detail=str(reason).replace("\x00", "")[:2000],
            trace_id=one.trace_id.hex,
        )
        audit.record(verb="trace.set_aside", actor=ACTOR, obj=reject, system=one.system)
    remove_done(pending)


def put_back(
    *, principal: Principal, system: System | None = None, trace_id: UUID | None = None
) -> list[Reject]:
    """Have traces assembled again that were set aside and have not been sealed since; return their rejects.

    Left alone are those whose spans are gone or erased, and those that wait already.

    Args:
        system: those of this system alone; None: of all.
        trace_id: this trace alone; None: all.

    Raises:
        AccessDenied: the caller does not run commands on this machine.
    """
    acts.check_can_put_back(principal)
    found = still_set_aside(clock.read_moment(may_run_ahead=True)).select_related("system").order_by("pk")
    if system is not None:
        found = found.filter(system=system)
    if trace_id is not None:
        found = found.filter(trace_id=trace_id.hex)
    return [reject for reject in found if _queue_again(reject, principal)]


@transaction.atomic
def _queue_again(reject: Reject, principal: Principal) -> bool:
    trace_id = UUID(reject.trace_id)
    if Erasure.objects.filter(system=reject.system_id, trace_id=trace_id).exists():
        return False
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE_AGAIN, [reject.system_id, trace_id])
        if cursor.fetchone() is None:
            return False
    audit.record(verb="trace.put_back", actor=principal.actor, obj=reject, system=reject.system)
    return True


def _release_stated(pending: PendingTrace) -> str:
    """Return the release that the spans of a trace and their resources name; any, where they name none or several."""
    with connection.cursor() as cursor:
        cursor.execute(_STATED, [pending.system_id, pending.trace_id])
        names = [name.strip() for (name,) in cursor.fetchall()]
    return names[0] if len(names) == 1 and names[0] else ANY_RELEASE
