"""What workers say of themselves."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from config import heartbeats
from config.key_faults import find_key_faults


@shared_task(expires=60)  # seconds; beat sends the next one anyway
def note_worker(queue: str) -> None:
    """Note that the messages of a queue are worked off, and what is wrong with the keys. Beat sends one to each."""
    heartbeats.note_heartbeat(queue)
    if settings.HOLDS_KEYS:
        heartbeats.note_key_faults(queue, find_key_faults())
