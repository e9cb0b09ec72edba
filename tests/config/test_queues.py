"""Which worker does what: no work may keep the log waiting, and every queue has somebody who serves it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from celery import current_app
from django.conf import settings

from config.processes import plan_processes
from tests.invariants.walk import REPOSITORY, our_tasks

LOG_TASKS = {
    "evidence.tasks.sequence_events",
    "evidence.tasks.sign_checkpoint",
    "evidence.tasks.sequence_missed_events",
    "evidence.tasks.bring_log_up_to_date",
    "evidence.tasks.keep_attestations",
}


def queue_of(task: str) -> str:
    route = settings.CELERY_TASK_ROUTES.get(task, {})
    return str(route.get("queue", settings.CELERY_TASK_DEFAULT_QUEUE))


def queues_served(commands: list[list[str]]) -> list[set[str]]:
    """Return what each worker among some commands serves."""
    return [set(command[command.index("-Q") + 1].split(",")) for command in commands if "-Q" in command]


def commands_of_up() -> list[list[str]]:
    return [spec.command for spec in plan_processes(port=8001, web_workers=1, probe_processes=1)]


def commands_of_compose() -> list[list[str]]:
    text = (REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8")
    return [re.findall(r'"([^"]*)"', line) for line in re.findall(r"command: (\[.*\])", text)]


def test_what_keeps_the_log_has_a_queue_of_its_own() -> None:
    assert {task for task in our_tasks() if queue_of(task) == "log"} == LOG_TASKS


@pytest.mark.parametrize("commands", [commands_of_up, commands_of_compose])
def test_every_queue_is_served_and_the_log_by_a_worker_that_does_nothing_else(
    commands: Callable[[], list[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())  # torch is installed
    served = queues_served(commands())
    used = {queue_of(task) for task in our_tasks()}
    assert set().union(*served) == used == set(settings.QUEUES)
    assert [queues for queues in served if "log" in queues] == [{"log"}]
    assert [queues for queues in served if "interpret" in queues] == [{"interpret"}]


def test_what_takes_longer_the_more_is_stored_keeps_neither_traces_nor_the_log_waiting() -> None:
    registered = our_tasks()
    for task in ("check_blobs", "find_missed_events", "apply_retention"):
        assert f"evidence.tasks.{task}" in registered
        assert queue_of(f"evidence.tasks.{task}") == "export"
    for task in ("check_blobs", "find_missed_events", "apply_retention"):
        assert current_app.tasks[f"evidence.tasks.{task}"].time_limit == settings.EXPORT_HARD_LIMIT


def test_a_call_that_hangs_is_killed_whatever_it_does() -> None:
    """A worker's processes are as many as its queues: one call without end would keep the log unsigned for ever."""
    limits = {
        name: current_app.tasks[name].time_limit or current_app.conf.task_time_limit for name in our_tasks()
    }
    assert [name for name, limit in limits.items() if not limit] == []
    for task in ("sequence_events", "sign_checkpoint"):
        assert limits[f"evidence.tasks.{task}"] == settings.CELERY_TASK_TIME_LIMIT == 600


def test_a_worker_of_two_queues_has_as_many_processes() -> None:
    """Or one export of an hour would keep traces waiting."""
    for command in commands_of_up():
        if "-Q" in command:
            assert int(command[command.index("-c") + 1]) >= len(command[command.index("-Q") + 1].split(","))


def test_a_checkpoint_is_asked_for_before_the_longest_window_is_over() -> None:
    schedule: dict[str, Any] = settings.CELERY_BEAT_SCHEDULE["sign-checkpoint"]
    assert schedule["schedule"] + settings.SEQUENCE_BUDGET < settings.CHECKPOINT_INTERVAL
