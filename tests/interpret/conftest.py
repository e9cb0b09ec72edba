"""A release whose probes can be run without a model: the probe is replaced, everything round it is real."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from interpret import registry
from interpret.contracts import ProbeInput, ProbeResult, ProbeSpecification, Progress
from tests.interpret.measurements import make_result

INPUTS = tuple(ProbeInput(f"p{i}", f"question {i}", "en") for i in range(4))


class StandInProbe:
    """Answers with whatever `result` gives, and remembers what it was asked."""

    code_version = "1"

    def __init__(self, result: Callable[[], ProbeResult] = make_result) -> None:
        self.result = result
        self.asked: list[ProbeSpecification] = []

    def check(self, specification: ProbeSpecification) -> None:
        del specification

    def run(self, specification: ProbeSpecification, models: Any, progress: Progress) -> ProbeResult:
        del models, progress
        self.asked.append(specification)
        return self.result()


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> StandInProbe:
    """The probe every run in this test gets."""
    stand_in = StandInProbe()
    monkeypatch.setattr(registry, "load", lambda _: stand_in)
    monkeypatch.setattr(registry, "open_session", lambda _: None)
    return stand_in


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The runs that the broker was told of."""
    told: list[int] = []
    monkeypatch.setattr("interpret.tasks.run_probe.delay", told.append)
    return told
