"""A release whose probes can be run without a model: the probe is replaced, everything round it is real."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from interpret import registry
from interpret.contracts import (
    MeasuredPart,
    Measurement,
    Probe,
    ProbeInput,
    ProbeResult,
    ProbeSpecification,
)
from tests.interpret.measurements import make_result

INPUTS = tuple(ProbeInput(f"p{i}", f"question {i}", "en") for i in range(4))


class StandInProbe:
    """Answers with whatever `result` gives, and remembers what it was asked."""

    code_version = "1"
    names: tuple[str, ...] = ("all",)  # of its parts

    def __init__(self, result: Callable[[], ProbeResult] = make_result) -> None:
        self.result = result
        self.asked: list[ProbeSpecification] = []

    def check(self, specification: ProbeSpecification) -> None:
        del specification

    def parts(self, specification: ProbeSpecification) -> tuple[str, ...]:
        del specification
        return self.names

    def measure(self, specification: ProbeSpecification, models: Any, part: str) -> dict[str, Any]:
        del models, part
        self.asked.append(specification)
        return {}

    def report(
        self, specification: ProbeSpecification, measured: Mapping[str, Mapping[str, Any]]
    ) -> tuple[Measurement, ...]:
        del specification, measured
        return self.result().measurements


class StandInSession:
    """Measures without a model."""

    def measure(self, probe: Probe, specification: ProbeSpecification, part: str) -> MeasuredPart:
        return MeasuredPart(
            part, probe.code_version, probe.measure(specification, None, part), {"torch": "2"}, 1, 3
        )


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> StandInProbe:
    """The probe every run in this test gets."""
    stand_in = StandInProbe()
    monkeypatch.setattr(registry, "load", lambda _: stand_in)
    monkeypatch.setattr(registry, "open_session", lambda *_: StandInSession())
    return stand_in


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The runs that the broker was told of."""
    told: list[int] = []
    monkeypatch.setattr("interpret.tasks.run_probe.delay", told.append)
    return told
