"""Who is at work: beat says so by itself, a worker by beginning a message of its queue.

Where a queue is empty, beat sends a message through it, so that there is one to begin; never a second while one waits,
because a queue that nobody serves would grow for ever. So a worker that lives and works nothing off is silent, too. The
times are the broker's own, so that no two clocks are compared, and they go when the broker is emptied: the next beat
brings them back. Whoever is not heard of for a day is forgotten.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any, Final

import redis
from django.conf import settings

BEAT: Final = "beat"
TASK: Final = "config.tasks.note_worker"  # the message that beat sends
FORGOTTEN_AFTER: Final = 24 * 3600  # seconds
_PREFIX: Final = "tracebinder:heartbeat:"
_FAULTS: Final = "tracebinder:key-faults:"
_FAULTS_KEPT: Final = 600  # seconds; a worker that is silent for longer is named for that
_TIMEOUT: Final = 2  # seconds
_noted: dict[str, float] = {}  # seconds of the monotonic clock at which this process noted each last


def note_heartbeat(who: str) -> None:
    """Note that beat, or the workers of a queue, are at work now."""
    broker = open_broker()
    broker.set(_PREFIX + who, _seconds(broker), ex=FORGOTTEN_AFTER)


def note_message(queue: str) -> None:
    """Note that a message of a queue is begun; from each process so often as beat would ask.

    Where the broker is away, nothing is noted: the message itself is none the worse for it.
    """
    now = time.monotonic()
    if queue not in settings.QUEUES or now - _noted.get(queue, float("-inf")) < settings.HEARTBEAT_INTERVAL:
        return
    _noted[queue] = now
    try:
        note_heartbeat(queue)
    except redis.RedisError:
        return


def forget_heartbeat(who: str) -> bool:
    """Forget when somebody was heard last, who was taken away on purpose. Returns whether anything was known."""
    return bool(open_broker().delete(_PREFIX + who))


def read_silences() -> dict[str, float | None]:
    """Return for beat and each queue how many seconds ago it was heard last; None: not within a day."""
    broker = open_broker()
    now = _seconds(broker)
    names = [BEAT, *settings.QUEUES]
    heard: Any = broker.mget([_PREFIX + name for name in names])
    return {
        name: None if at is None else max(0.0, now - float(at)) for name, at in zip(names, heard, strict=True)
    }


def note_key_faults(queue: str, faults: Sequence[str]) -> None:
    """Keep what the workers of a queue, who hold the keys, found wrong with them, for processes that hold none."""
    open_broker().set(_FAULTS + queue, json.dumps(list(faults)), ex=_FAULTS_KEPT)


def read_key_faults() -> list[str]:
    """Return what those who hold the keys found wrong with them last, each once."""
    noted: Any = open_broker().mget([_FAULTS + queue for queue in settings.QUEUES])
    return list(dict.fromkeys(fault for faults in noted if faults for fault in json.loads(faults)))


def is_needed(queue: str) -> bool:
    """Whether a message must be sent through a queue to see that it is worked off: none waits there."""
    return not open_broker().llen(queue)


def read_backlog(queue: str) -> int:
    """Return how many messages wait in a queue, without beat's, which is sent into an empty one: it is the oldest."""
    broker = open_broker()
    length: Any = broker.llen(queue)
    oldest: Any = broker.lindex(queue, -1)
    return int(length) - (TASK.encode() in (oldest or b""))


def open_broker() -> redis.Redis:
    """Return a connection to the broker that gives up soon."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT)


def _seconds(broker: redis.Redis) -> float:
    whole, micro = broker.time()
    return float(whole + micro / 1_000_000)
