"""Which process signs with which key: the log worker with the log's, the other workers with that of binders.

A command that is neither, as the owner's, may look at both. So each key can lie where one kind of process alone reads.
"""

from __future__ import annotations

from django.conf import settings


def holds_log_key() -> bool:
    """Whether this process signs checkpoints."""
    return bool(settings.HOLDS_KEYS) and settings.PROCESS != "worker"


def holds_binder_key() -> bool:
    """Whether this process signs binders."""
    return bool(settings.HOLDS_KEYS) and settings.PROCESS != "log"
