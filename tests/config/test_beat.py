"""Beat sends what is due, whatever was done to the clock meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery, current_app
from celery.beat import ScheduleEntry
from rest_framework.test import APIClient

from config.beat import Scheduler
from config.heartbeats import open_broker
from interpret.tasks import run_probe

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


class Wall:
    """A clock that is what it is set to."""

    now = NOW


@contextmanager
def beat(wall: Wall, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Scheduler, list[str]]]:
    """A scheduler of one task a second over the file of the one before, and what it sends."""
    app = Celery("tests", broker="memory://", set_as_current=False)
    app.conf.beat_schedule = {"assemble": {"task": "assemble", "schedule": 1.0}}
    # Of the class: entries from the file fall back to another app.
    monkeypatch.setattr(Celery, "now", lambda _: wall.now)
    scheduler = Scheduler(app=app, schedule_filename=str(folder / "schedule"))
    sent: list[str] = []

    def send(entry: ScheduleEntry, **_: Any) -> None:
        sent.append(str(entry.task))

    monkeypatch.setattr(scheduler, "apply_entry", send)
    monkeypatch.setattr("config.beat.note_beat", lambda: None)
    yield scheduler, sent
    scheduler.close()


def run(scheduler: Scheduler, wall: Wall, seconds: int) -> None:
    for _ in range(seconds * 4):
        scheduler.tick()
        wall.now += timedelta(seconds=0.25)


@pytest.fixture
def broker() -> Iterator[redis.Redis]:
    """The broker, with nothing in the queue of probes."""
    broker = open_broker()
    broker.delete("interpret")
    yield broker
    broker.delete("interpret")


@pytest.mark.django_db
def test_in_a_queue_that_nobody_serves_one_heartbeat_waits_and_is_not_counted(
    broker: redis.Redis, tmp_path: Path, monitor: APIClient
) -> None:
    scheduler = Scheduler(app=current_app, schedule_filename=str(tmp_path / "schedule"))
    for _ in range(5):
        scheduler.apply_entry(scheduler.schedule["heartbeat-interpret"])
    assert broker.llen("interpret") == 1
    run_probe.delay(1)
    scheduler.apply_entry(scheduler.schedule["heartbeat-interpret"])
    scheduler.close()
    assert broker.llen("interpret") == 2
    assert 'tracebinder_queue_length{queue="interpret"} 1.0' in monitor.get("/metrics").content.decode()


def test_a_clock_set_back_stalls_nothing_also_across_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = Wall()
    with beat(wall, tmp_path, monkeypatch) as (scheduler, sent):
        run(scheduler, wall, 5)
        assert 3 <= len(sent) <= 6
        wall.now -= timedelta(hours=2)
        sent.clear()
        run(scheduler, wall, 5)
        assert 3 <= len(sent) <= 6
    wall.now -= timedelta(days=3)
    with beat(wall, tmp_path, monkeypatch) as (scheduler, sent):
        run(scheduler, wall, 5)
        assert 3 <= len(sent) <= 6
