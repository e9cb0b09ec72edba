"""What web, workers and beat look at when they start: a database that is not as this version needs it is said aloud."""

from __future__ import annotations

import logging
from typing import Any

from django.db import Error

from config.health import database_faults

logger = logging.getLogger(__name__)


def say_what_is_wrong(**_: Any) -> None:
    """Log each fault of the database. The process goes on: `readyz` keeps senders away until it is put right."""
    try:
        faults = database_faults()
    except Error as exc:
        faults = [f"database: {exc}".strip()]
    for fault in faults:
        logger.error("not ready: %s", fault)
