"""What the demo's gates ask for, against the requirement files they are made from."""

from __future__ import annotations

import pytest
import yaml

from examples.catalogue import COPILOTS
from examples.demo.governance import RECORDING
from requirements.starter import read_starter

STARTER = {entry["key"] for entry in yaml.safe_load(read_starter())["requirements"]}


@pytest.mark.parametrize("key", COPILOTS)
def test_the_recording_gate_asks_for_requirements_the_copilot_has(key: str) -> None:
    own = yaml.safe_load((COPILOTS[key]().folder / "requirements.yaml").read_text(encoding="utf-8"))
    assert set(RECORDING) <= STARTER | {entry["key"] for entry in own["requirements"]}


@pytest.mark.parametrize("key", COPILOTS)
def test_every_rule_of_the_policy_must_have_decided(key: str) -> None:
    copilot = COPILOTS[key]()
    own = yaml.safe_load((copilot.folder / "requirements.yaml").read_text(encoding="utf-8"))
    [asked] = [
        criterion["parameters"]["rules"]
        for entry in own["requirements"]
        for criterion in entry["criteria"]
        if criterion["check"] == "policy.enforced"
    ]
    assert asked == [rule["key"] for rule in copilot.policy.rules]
