"""What web, workers and beat look at when they start: what is not as this version needs it, or lost, is said aloud."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.db import Error

from config.health import database_faults, log_faults, stored_faults

logger = logging.getLogger(__name__)


def say_what_is_wrong(**_: Any) -> None:
    """Log each fault. The process goes on: `readyz` keeps senders away, or nothing is signed, until it is mended."""
    stopping, degrading = database_faults()
    for fault in stopping:
        logger.error("not ready: %s", fault)
    # A probe worker may read none of what is looked at next, and the log worker what is of the log.
    look = {"interpret": list, "log": log_faults}.get(settings.PROCESS, stored_faults)
    try:
        degrading += [] if stopping else look()
    except Error as exc:  # it went away since it was asked
        degrading.append(f"database: {exc}".strip())
    for fault in degrading:
        logger.error("degraded: %s", fault)
