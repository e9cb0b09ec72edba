"""Beat's scheduler: Celery's, and it says that it is at work."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any, Final

import redis
from celery.beat import PersistentScheduler, ScheduleEntry
from celery.utils.time import maybe_make_aware
from django.conf import settings

from config import heartbeats

logger = logging.getLogger(__name__)

_CLOCK_STEP: Final = timedelta(seconds=5)  # what NTP may take back without a word


def note_beat() -> None:
    """Note that beat is at work. Where the broker is away, it goes on: it sends when that is back."""
    try:
        heartbeats.note_heartbeat(heartbeats.BEAT)
    except redis.RedisError as exc:
        logger.warning("no heartbeat could be noted: %s", exc)


def _is_heartbeat_needed(queue: str) -> bool:
    try:
        return heartbeats.is_needed(queue)
    except redis.RedisError:
        return True  # whoever sends it says that the broker is away


class Scheduler(PersistentScheduler):
    """Celery's scheduler, which notes a heartbeat each time it looks what is due."""

    _noted = float("-inf")  # seconds of the monotonic clock

    def tick(self, *args: Any, **options: Any) -> float:
        """Send what is due, and return the seconds until something is due again."""
        if time.monotonic() - self._noted >= settings.HEARTBEAT_INTERVAL:
            note_beat()
            self._noted = time.monotonic()
        self._forget_runs_to_come()
        return float(super().tick(*args, **options))

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        """Send what is due; a heartbeat only through a queue in which nothing waits."""
        if entry.task == heartbeats.TASK and not _is_heartbeat_needed((entry.options or {})["queue"]):
            return
        super().apply_entry(entry, producer=producer)

    def _forget_runs_to_come(self) -> None:
        """Where the clock was set back, let nothing wait until it has caught up with the last run.

        The runs are kept in a file, so that a new start would wait as well.
        """
        now = self.app.now()
        ahead = [
            entry
            for entry in self.schedule.values()
            if entry.last_run_at and maybe_make_aware(entry.last_run_at) > now + _CLOCK_STEP
        ]
        if not ahead:
            return
        logger.error("the clock was set back: %d tasks are sent as if they had run now", len(ahead))
        for entry in ahead:
            entry.last_run_at = now
        self._heap = None  # it holds times to come, too
