"""How many requests this process stores at once. Beyond that a sender is asked to come back: 429 and Retry-After."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Final

from django.conf import settings

from evidence.errors import EvidenceError
from evidence.worded import worded

RETRY_AFTER: Final = 2  # seconds


class IngestBusy(EvidenceError):
    """All places are taken. OTLP senders retry a 429 by themselves."""

    code = "ingest_busy"
    http_status = 429
    title = "Too many requests at once"
    retry_after = RETRY_AFTER


class IngestUnavailable(EvidenceError):
    """Database or blob store are away; nothing was acknowledged. OTLP senders retry a 503 by themselves."""

    code = "ingest_unavailable"
    http_status = 503
    title = "Storage is not available"
    retry_after = 5  # seconds


_places = BoundedSemaphore(settings.OTLP_MAX_IN_FLIGHT)


@contextmanager
def admitted() -> Iterator[None]:
    """Hold one of the process's places inside the block.

    Raises:
        IngestBusy: none came free within `OTLP_MAX_WAIT` seconds.
    """
    if not _places.acquire(timeout=settings.OTLP_MAX_WAIT):
        raise IngestBusy(
            worded(
                "Too many export requests at once: send this one again in %(seconds)s seconds.",
                seconds=RETRY_AFTER,
            )
        )
    try:
        yield
    finally:
        _places.release()
