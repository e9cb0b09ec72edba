"""How far a finding is to be believed, read from the file that `make calibrate` writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from interpret.models import Finding
from interpret.pages import finding as page
from interpret.selectors.calibration import Calibration, Rate, calibration_of
from interpret.services.execution import execute_probe_run
from interpret.services.queueing import queue_probe_run
from tests.factories import World, acting
from tests.interpret.conftest import INPUTS, StandInProbe

FIGURES: dict[str, Any] = {
    "probability": 0.9,
    "low": 0.8,
    "prior": 0.5,
    "false_support": {"rate": 0.0, "high": 0.01, "n": 400},
    "power": {"rate": 0.95, "low": 0.9, "n": 80},
}
ASKED = {"probe": "p", "code_version": "3", "statistic": "s", "rung": "associational"}


def written(
    folder: Path, *, probe: str = "p", version: str = "3", statistic: str = "s", **changes: Any
) -> Path:
    path = folder / f"{probe}.{version}.{len(list(folder.iterdir()))}.json"
    statistics = {statistic: {"associational": {**FIGURES, **changes}}}
    path.write_text(json.dumps({"probes": {probe: {"code_version": version, "statistics": statistics}}}))
    return path


def test_the_figures_of_the_same_version_statistic_and_rung_are_told(tmp_path: Path) -> None:
    assert calibration_of(**ASKED, figures=written(tmp_path)) == Calibration(
        probability=0.9, low=0.8, prior=0.5, false_support=Rate(0.0, 0.01, 400), power=Rate(0.95, 0.9, 80)
    )


@pytest.mark.parametrize(
    "other", [{"probe": "q"}, {"code_version": "4"}, {"statistic": "t"}, {"rung": "replicated"}]
)
def test_of_anything_else_nothing_is_told(tmp_path: Path, other: dict[str, str]) -> None:
    assert calibration_of(**{**ASKED, **other}, figures=written(tmp_path)) is None


@pytest.mark.parametrize(
    "changes", [{"probability": 1.2}, {"low": None}, {"power": 0.9}, {"false_support": {"rate": 0.1}}]
)
def test_figures_that_are_none_are_not_told(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert calibration_of(**ASKED, figures=written(tmp_path, **changes)) is None


@pytest.mark.parametrize("content", ["", "[]", '{"probes": []}', '{"probes": {"p": 3}}'])
def test_a_file_of_another_shape_tells_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / "odd.json"
    path.write_text(content)
    assert calibration_of(**ASKED, figures=path) is None
    assert calibration_of(**ASKED, figures=tmp_path / "absent.json") is None


@pytest.mark.django_db
@pytest.mark.usefixtures("sent")
@pytest.mark.parametrize("version", ["1", "2"])
def test_the_page_says_how_far_or_that_nobody_measured_it(
    world: World, probe: StandInProbe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str
) -> None:
    del probe
    figures = written(tmp_path, probe="entropy.next_token", version=version, statistic="test.statistic")
    monkeypatch.setattr(page, "calibration_of", lambda **asked: calibration_of(**asked, figures=figures))
    run = queue_probe_run(
        release=world.release, probe="entropy.next_token", principal=acting(), inputs=INPUTS
    )
    execute_probe_run(run.pk)
    client = Client()
    client.force_login(world.people["researcher"])
    told = client.get(reverse("admin:finding", args=[Finding.objects.get().pk])).content.decode()
    assert ("P = 0.9" in told) == (version == "1")  # the stand-in's own
    assert ("over 400 nulls" in told) == (version == "1")
    assert ("Not calibrated for this version" in told) == (version == "2")
