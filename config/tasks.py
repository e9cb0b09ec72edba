"""What workers say of themselves."""

from __future__ import annotations

from celery import shared_task

from config import heartbeats


@shared_task(expires=60)  # seconds; beat sends the next one anyway
def note_worker(queue: str) -> None:
    """Note that the messages of a queue are worked off. Beat sends one through each."""
    heartbeats.note_heartbeat(queue)
