"""Beat sends what is due, whatever was done to the clock meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.beat import ScheduleEntry

from config.beat import Scheduler

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
