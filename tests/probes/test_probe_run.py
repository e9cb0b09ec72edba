"""From a queued run to findings, with a real (tiny) model in the store and nothing replaced."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evidence.models import Evidence
from evidence.services import registry
from interpret import model_store
from interpret.contracts import ProbeInput
from interpret.errors import BadSpecification, InterventionWithoutEffect, ModelMissing
from interpret.models import Finding, ProbeRun
from interpret.probes.session import ModelSession
from interpret.services.attachment import attach_findings
from interpret.services.execution import execute_probe_run
from interpret.services.queueing import queue_probe_run
from interpret.services.replay import replay_finding
from tests.factories import World, acting, manifest
from tests.probes.store import LETTERS, write_folder

SMALL = {"sequences": 40, "length": 16, "heads": 1, "control_draws": 2, "permutations": 99}
INPUTS = [ProbeInput(f"p{i}", "".join(LETTERS[i : i + 8]), "en") for i in range(12)]


@pytest.fixture
def released(world: World, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("interpret.tasks.run_probe.delay", lambda _: None)
    settings.MODEL_STORE = tmp_path / "models"
    digest = model_store.add_folder(settings.MODEL_STORE, write_folder(tmp_path / "snapshot"))
    pins = [pin for pin in manifest(world.system.key).pins if pin.slot != "model"]
    model = registry.PinSpec(slot="model", kind="model", key="tiny", label="tiny", digest=digest)
    return registry.register_release(
        system=world.system, manifest=registry.ReleaseManifest("tiny", [model, *pins]), principal=acting()
    )


def test_both_probes_run_from_request_to_evidence(released: Any) -> None:
    runs = [
        queue_probe_run(release=released, probe="induction.heads", parameters=SMALL, principal=acting()),
        queue_probe_run(release=released, probe="entropy.next_token", inputs=INPUTS, principal=acting()),
    ]
    for run in runs:
        execute_probe_run(run.pk)
    assert set(ProbeRun.objects.values_list("state", flat=True)) == {ProbeRun.State.DONE}
    assert runs[0].parts.filter(state="done").count() == 1 + 6
    statistics = set(Finding.objects.values_list("statistic", flat=True))
    assert {"induction.prefix_match", "induction.ablation_cost", "next_token.entropy"} <= statistics
    cost = Finding.objects.get(statistic="induction.ablation_cost")
    assert cost.rung == "interventional"
    assert cost.control is not None
    assert cost.provenance["fire_counts"]
    assert not Finding.objects.filter(status="supported", statistic__startswith="induction").exists()
    assert attach_findings() == 2
    assert not Evidence.objects.exclude(role__in=["supporting", "counter"]).exists()


@pytest.mark.parametrize("probe", ["induction.heads", "entropy.next_token"])
def test_every_finding_replays(released: Any, probe: str) -> None:
    asked: dict[str, Any] = {"inputs": INPUTS} if probe == "entropy.next_token" else {"parameters": SMALL}
    run = queue_probe_run(release=released, probe=probe, principal=acting(), **asked)
    execute_probe_run(run.pk)
    found = list(run.findings.order_by("ordinal"))
    assert len(found) >= 2
    for finding in found:
        again = replay_finding(finding)
        assert again.agrees, again.explain()


def test_a_run_whose_interventions_change_nothing_finds_nothing(
    world: World, settings: Any, tmp_path: Path
) -> None:
    settings.MODEL_STORE = tmp_path / "models"
    folder = write_folder(tmp_path / "snapshot", unread=True)
    digest = model_store.add_folder(settings.MODEL_STORE, folder)
    pins = [pin for pin in manifest(world.system.key).pins if pin.slot != "model"]
    model = registry.PinSpec(slot="model", kind="model", key="tiny", label="unread", digest=digest)
    release = registry.register_release(
        system=world.system, manifest=registry.ReleaseManifest("unread", [model, *pins]), principal=acting()
    )
    run = queue_probe_run(release=release, probe="induction.heads", parameters=SMALL, principal=acting())
    with pytest.raises(InterventionWithoutEffect):
        execute_probe_run(run.pk)
    run.refresh_from_db()
    assert run.error.startswith("intervention_without_effect: head ")
    assert not run.findings.exists()


def test_a_run_over_fewer_clusters_than_needed_finds_nothing_and_says_why(released: Any) -> None:
    inputs = [replace(each, cluster="one template") for each in INPUTS]
    run = queue_probe_run(release=released, probe="entropy.next_token", inputs=inputs, principal=acting())
    with pytest.raises(BadSpecification):
        execute_probe_run(run.pk)
    run.refresh_from_db()
    assert run.state == ProbeRun.State.FAILED
    assert run.error.startswith(
        "bad_probe_specification: entropy.next_token needs different prompts of at least 4"
    )
    assert not run.findings.exists()


def test_a_run_repeated_gives_the_same_numbers(released: Any) -> None:
    rows = []
    for _ in range(2):
        run = queue_probe_run(release=released, probe="induction.heads", parameters=SMALL, principal=acting())
        execute_probe_run(run.pk)
        rows.append(list(run.findings.order_by("ordinal").values_list("value", "low", "high", "p_value")))
        # So that it may be asked for again.
        ProbeRun.objects.filter(pk=run.pk).update(state=ProbeRun.State.FAILED)
    assert rows[0] == rows[1]


def test_a_session_holds_one_model_of_its_store(tmp_path: Path) -> None:
    digests = [
        model_store.add_folder(tmp_path / "models", write_folder(tmp_path / str(seed), seed))
        for seed in (1, 2)
    ]
    session = ModelSession(tmp_path / "models")
    first = session.model(digests[0])
    dead = session.dead(digests[0], 5)
    assert session.model(digests[0]) is first
    assert session.dead(digests[0], 5) is dead
    session.model(digests[1])
    assert session.model(digests[0]) is not first


def test_a_model_that_the_store_does_not_hold_fails_the_run(
    world: World, settings: Any, tmp_path: Path
) -> None:
    settings.MODEL_STORE = tmp_path
    run = queue_probe_run(release=world.release, probe="induction.heads", principal=acting())
    with pytest.raises(ModelMissing, match="no model"):
        execute_probe_run(run.pk)
    assert ProbeRun.objects.get(pk=run.pk).error.startswith("model_missing: ")
