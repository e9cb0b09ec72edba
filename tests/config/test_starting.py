"""What a process says of itself when it starts ends it in no case."""

from __future__ import annotations

import pytest
from django.db import OperationalError

from config.starting import say_what_is_wrong


@pytest.mark.django_db
def test_a_database_that_goes_away_while_it_is_asked_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> list[str]:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr("config.starting.stored_faults", fail)
    say_what_is_wrong()
    assert "degraded: database: server closed the connection unexpectedly" in caplog.text
