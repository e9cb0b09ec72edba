"""The log's own database role: it alone may insert leaves, tiles and checkpoints.

Web and workers may read them and no more, so that whoever takes one of those processes forges no checkpoint. The log
worker's login is a member of the role; a transaction that writes to the log acts as the role, whoever is signed in, so
that a right it lacks is missed everywhere and not in production alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import ProgrammingError, connection, transaction

from evidence.digests import canonical_json
from evidence.models.audit import AuditEvent, Checkpoint
from evidence.services.log.errors import NotTheLogWorker
from evidence.worded import worded


@contextmanager
def log_transaction() -> Iterator[None]:
    """Have a transaction that acts as the log's role; afterwards the connection acts as before.

    Raises:
        NotTheLogWorker: this process may not write the log.
    """
    with transaction.atomic():
        before = _act_as(settings.LOG_ROLE)
        yield
        _act_as(before)  # where it fails, rolling back does it


def record_log_act(
    *, verb: str, obj: Checkpoint | AuditEvent, digest: str = "", payload: Mapping[str, Any]
) -> AuditEvent:
    """Write the event of what somebody at the machine has the log worker do, and commit it.

    Its role may insert no event, so the database writes it (`evidence.event_rules`), in the name of the command line.

    Raises:
        NotTheLogWorker: this process may not write the log.
    """
    with log_transaction(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT tracebinder_record_log_act(%s, %s, %s, %s, %s)",
            [verb, obj._meta.label, obj.pk, digest, canonical_json(payload).decode()],
        )
        (number,) = cursor.fetchone() or ("",)
    return AuditEvent.objects.get(event_uuid=number)


def may_write_log() -> bool:
    """Whether this process may write the log itself, or has to ask the log worker."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_has_role(session_user, %s, 'MEMBER')", [settings.LOG_ROLE])
        (may,) = cursor.fetchone() or (False,)
    return bool(may)


def _act_as(role: str) -> str:
    """Act as a role until the transaction ends, and return as which one the connection acted."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('role'), set_config('role', %s, true)", [role])
            (before, _) = cursor.fetchone() or ("none", "")
    except ProgrammingError as exc:
        raise NotTheLogWorker(
            worded(
                "Only the log worker (TRACEBINDER_PROCESS=log) may write the log; "
                'docs/guides/operator.md, "The database roles".',
            )
        ) from exc
    return str(before)
