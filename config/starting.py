"""What web, workers and beat look at when they start.

What is not as this version needs it, or lost, is said aloud. What would not be safe ends the start: a process that
stands above the rules of the database, or people whose password everybody knows. So does a device to measure on that is
not there.
"""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import Error, connection

from config.database_role import RoleTooPowerful
from config.demo_people import find_demo_people
from config.env import ConfigurationError
from config.health import database_faults, log_faults, stored_faults
from evidence.errors import EvidenceError
from evidence.services.keys.announcing import announce_keys
from interpret.devices import fault_of_device

logger = logging.getLogger(__name__)


def look_before_serving() -> None:
    """End a start that is not safe, or of a worker that cannot measure where it is to, and log what else is wrong."""
    refuse_unsafe_start()
    refuse_missing_device()
    say_what_is_wrong()


def refuse_unsafe_start() -> None:
    """End the start where only the database can say that it is not safe. Where it is away, each connection is asked
    later (`config.database_role`).

    Raises:
        ConfigurationError: the process is the owner or a superuser there; or, in production, people of the demo may
            sign in.
    """
    try:
        connection.ensure_connection()
        demo = find_demo_people() if settings.PRODUCTION and settings.PROCESS == "web" else []
    except RoleTooPowerful as exc:
        raise ConfigurationError(str(exc)) from exc
    except Error:  # it is away, or not migrated: `say_what_is_wrong` says which
        return
    if demo:
        raise ConfigurationError(
            f"People of the demo can sign in here, with a password that everybody knows: {', '.join(demo)}. Make them "
            "inactive or give them passwords of their own; a database that the demo filled is not for production."
        )


def refuse_missing_device() -> None:
    """End the start of an interpret worker whose device is not there.

    Raises:
        ConfigurationError: it is not.
    """
    fault = fault_of_device(settings.PROBE_DEVICE) if settings.PROCESS == "interpret" else ""
    if fault:
        raise ConfigurationError(fault)


def publish_keys() -> None:
    """Where this process holds the signing keys, publish their public halves; what keeps it from that is logged."""
    try:
        announce_keys()
    except (EvidenceError, OSError, Error) as exc:
        logger.error("degraded: keys: %s", exc)  # noqa: TRY400  # the sentence says what to do


def say_what_is_wrong() -> None:
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
