"""Beat's scheduler: Celery's, and it says that it is at work."""

from __future__ import annotations

import logging
import time
from typing import Any

import redis
from celery.beat import PersistentScheduler
from django.conf import settings

from config import heartbeats

logger = logging.getLogger(__name__)


class Scheduler(PersistentScheduler):
    """Celery's scheduler, which notes a heartbeat each time it looks what is due."""

    _noted = float("-inf")  # seconds of the monotonic clock

    def tick(self, *args: Any, **options: Any) -> float:
        """Send what is due, and return the seconds until something is due again."""
        if time.monotonic() - self._noted >= settings.HEARTBEAT_INTERVAL:
            self._note()
        return float(super().tick(*args, **options))

    def _note(self) -> None:
        try:
            heartbeats.note_heartbeat(heartbeats.BEAT)
        except redis.RedisError as exc:  # beat goes on: it sends when the broker is back
            logger.warning("no heartbeat could be noted: %s", exc)
        self._noted = time.monotonic()
