"""Two releases of a tiny model, from the store to the evidence that nothing changed, with nothing replaced."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from evidence.models import Evidence, Release
from evidence.services import registry
from examples import releases
from interpret.errors import ModelMissing
from interpret.models import Finding, ProbeRun
from interpret.probes.weights import LoadedModel
from interpret.services.attachment import attach_findings
from interpret.services.execution import execute_probe_run
from interpret.services.queueing import queue_probe_run
from interpret.services.replay import replay_finding
from tests.factories import World, acting, manifest
from tests.probes.zoo import drift

SMALL = {"compared": "layers", "texts": 40, "length": 8, "permutations": 99}


@pytest.fixture
def store(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("interpret.tasks.run_probe.delay", lambda _: None)
    settings.MODEL_STORE = tmp_path / "models"
    return tmp_path / "models"


def on_disk() -> LoadedModel:
    """Return a small model with a tokenizer that can be written to a file."""
    known = {**drift.known_words().known, "<unk>": len(drift.known_words().known)}
    tokenizer = Tokenizer(models.WordLevel(known, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast: Any = PreTrainedTokenizerFast
    loaded = drift.base(6)
    loaded.model.resize_token_embeddings(len(known), mean_resizing=False)
    shape = replace(loaded.shape, vocabulary=len(known))
    return replace(loaded, tokenizer=fast(tokenizer_object=tokenizer, unk_token="<unk>"), shape=shape)


def release_of(world: World, name: str, digest: str) -> Release:
    """Freeze a release of a model."""
    pins = [pin for pin in manifest(world.system.key).pins if pin.slot != "model"]
    model = registry.PinSpec(slot="model", kind="model", key="tiny", label=name, digest=digest)
    frozen: Release = registry.register_release(
        system=world.system, manifest=registry.ReleaseManifest(name, [model, *pins]), principal=acting()
    )
    return frozen


def test_two_releases_are_compared_from_request_to_evidence_and_replayed(world: World, store: Path) -> None:
    earlier = on_disk()
    made = [releases.store(each, store) for each in (earlier, releases.requantised(earlier))]
    release_of(world, "before", made[0])
    newer = release_of(world, "after", made[1])
    run = queue_probe_run(
        release=newer, probe="model.drift", parameters={"against": made[0], **SMALL}, principal=acting()
    )
    execute_probe_run(run.pk)
    assert ProbeRun.objects.get(pk=run.pk).state == ProbeRun.State.DONE
    for finding in Finding.objects.filter(run=run):
        assert finding.status == "not_supported"
        assert finding.holds_for["model_digest"] == made[1]
        assert finding.holds_for["slice"] == {"against": made[0]}
        assert replay_finding(finding).agrees
    attach_findings()
    assert set(Evidence.objects.values_list("role", flat=True)) == {"supporting"}  # no concern


def test_a_model_of_the_system_that_the_store_lacks_fails_the_run_by_name(world: World, store: Path) -> None:
    newer = release_of(world, "after", releases.store(on_disk(), store))
    lacking = world.release.pins.get(slot="model").version.digest
    run = queue_probe_run(
        release=newer, probe="model.drift", parameters={"against": lacking, **SMALL}, principal=acting()
    )
    with pytest.raises(ModelMissing, match=f"no model {lacking}"):
        execute_probe_run(run.pk)
    assert ProbeRun.objects.get(pk=run.pk).error.startswith("model_missing: ")
