"""What a process says of itself when it starts ends it in no case."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError

from config.env import ConfigurationError
from config.starting import refuse_missing_device, say_what_is_wrong


@pytest.mark.django_db
def test_a_database_that_goes_away_while_it_is_asked_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> list[str]:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr("config.starting.stored_faults", fail)
    say_what_is_wrong()
    assert "degraded: database: server closed the connection unexpectedly" in caplog.text


@pytest.mark.parametrize(("process", "device"), [("interpret", "cpu"), ("web", "cuda"), ("worker", "cuda")])
def test_only_a_worker_that_measures_asks_for_its_device(process: str, device: str, settings: Any) -> None:
    settings.PROCESS, settings.PROBE_DEVICE = process, device
    refuse_missing_device()


def test_a_device_that_is_not_there_ends_the_start_of_an_interpret_worker(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # a machine that has one has none
    settings.PROCESS, settings.PROBE_DEVICE = "interpret", "cuda:1"
    with pytest.raises(ConfigurationError, match="TRACEBINDER_PROBE_DEVICE asks for cuda:1, "):
        refuse_missing_device()
