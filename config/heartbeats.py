"""Who is at work: beat says so by itself, a worker by working off a message that beat sends through its queue.

So a worker that lives and works nothing off is silent, too. The times are the broker's own, so that no two clocks are
compared, and they go when the broker is emptied: the next beat brings them back.
"""

from __future__ import annotations

from typing import Final

import redis
from django.conf import settings

BEAT: Final = "beat"
_PREFIX: Final = "tracebinder:heartbeat:"
_TIMEOUT: Final = 2  # seconds


def note_heartbeat(who: str) -> None:
    """Note that beat, or the workers of a queue, are at work now."""
    broker = open_broker()
    broker.set(_PREFIX + who, _seconds(broker))


def read_silences() -> dict[str, float | None]:
    """Return for beat and each queue how many seconds ago it was heard last; None: not since the broker was emptied."""
    broker = open_broker()
    now = _seconds(broker)
    names = [BEAT, *settings.QUEUES]
    heard = broker.mget([_PREFIX + name for name in names])
    return {
        name: None if at is None else max(0.0, now - float(at)) for name, at in zip(names, heard, strict=True)
    }


def open_broker() -> redis.Redis:
    """Return a connection to the broker that gives up soon."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT)


def _seconds(broker: redis.Redis) -> float:
    whole, micro = broker.time()
    return float(whole + micro / 1_000_000)
