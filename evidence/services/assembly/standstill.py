"""Does assembly go on: does any trace wait that should have been assembled long ago?"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import Q

from evidence import clock
from evidence.models import PendingTrace
from evidence.worded import worded


def find_standstill() -> str:
    """Return since when the trace that waits longest does, in words; empty where none waits for too long."""
    long_ago = clock.now() - timedelta(seconds=settings.ASSEMBLY_STANDS_STILL_AFTER)
    waited_for_root = long_ago - timedelta(seconds=settings.ASSEMBLY_INCOMPLETE_AFTER)
    waiting = PendingTrace.objects.filter(
        Q(root_ended=True) | Q(first_received_at__lt=waited_for_root), last_received_at__lt=long_ago
    )
    since = waiting.order_by("last_received_at").values_list("last_received_at", flat=True).first()
    if since is None:
        return ""
    return worded(
        "traces wait whose last span came %(since)s UTC. The worker of the queue `default` says why.",
        since=f"{since:%Y-%m-%d %H:%M}",
    )
