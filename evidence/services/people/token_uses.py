"""When a token was used last, and for what: noted now and then, so that no request waits for it.

A note is for an operator who asks which keys somebody still needs. Nothing is decided by it, so it is no event and may
be missing: where it cannot be written, the request goes on.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from django.db import DatabaseError, transaction

from evidence import clock
from evidence.models import AccessToken
from evidence.models.base import LABEL_LENGTH

logger = logging.getLogger(__name__)

NOTED_EVERY: Final = timedelta(minutes=10)  # between two notes of one token: each is a write


def note_use(token: AccessToken, request: str) -> None:
    """Note that a token that was just read is used, unless that was noted lately or somebody is at its row.

    Args:
        request: method and address as the API has it: what was asked for by which id is nobody's here.
    """
    minute = clock.now().replace(second=0, microsecond=0)
    if token.last_used_at is not None and minute - token.last_used_at < NOTED_EVERY:
        return
    try:
        _write(token, request[:LABEL_LENGTH], minute=minute)
    except DatabaseError as exc:
        logger.warning("that token %s is used could not be noted: %s", token.prefix, exc)


def _write(token: AccessToken, request: str, *, minute: datetime) -> None:
    """Write the note; of several requests at once one does, and none waits for another."""
    with transaction.atomic():
        free = AccessToken.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=token.pk)
        due = list(free.exclude(last_used_at__gt=minute - NOTED_EVERY).values_list("pk", flat=True))
        AccessToken.objects.filter(pk__in=due).update(last_used_at=minute, last_used_for=request)
