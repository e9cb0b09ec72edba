"""What the demo compares the release's model with: made of it, vouched for, and asked for as anybody would."""

from __future__ import annotations

from pathlib import Path

import pytest

from evidence.services import registry
from examples.catalogue import COPILOTS
from examples.demo import people, upgrade
from examples.demo.story import PROBES
from interpret.models import ProbeRun
from tests.examples.demo.in_process import InProcess
from tests.examples.demo.test_change import prepared

KEY = "credit-assistant"


@pytest.mark.django_db
def test_the_earlier_model_is_vouched_for_and_the_plan_with_it_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[tuple[Path, str, list[str]]] = []

    def make(store: Path, digest: str, names: list[str]) -> dict[str, str]:
        asked.append((store, digest, names))
        return dict.fromkeys(names, "7" * 64)

    monkeypatch.setattr(upgrade, "make_releases", make)
    system, _ = prepared(KEY)
    release = registry.find_release(system, COPILOTS[KEY]().release)
    compared = upgrade.probe_of_upgrade(system, release.name, tmp_path)
    assert asked == [(tmp_path, release.pins.get(slot="model").version.digest, ["re-quantised"])]
    assert upgrade.probe_of_upgrade(system, release.name, tmp_path) == compared
    setup = people.set_up({KEY: system.name})
    plan = {"system": KEY, "release": release.name, "probes": [compared]}
    runs = InProcess("", setup.tokens["researcher"]).post("probe-plans", plan)["runs"]
    spec = ProbeRun.objects.get(pk=runs[0]["id"]).spec
    assert spec.parameters["against"] == "7" * 64
    assert spec.parameters["length"] == upgrade.SMALL["length"]
    assert "model.drift" not in PROBES
    assert "attribute.proxies" in PROBES
