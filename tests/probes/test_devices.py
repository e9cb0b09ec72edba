"""Where models compute: one device, which is asked for by name, and no other in its place. No GPU takes part here."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from interpret import model_store, registry
from interpret.contracts import MeasuredPart, ProbeSpecification, Want
from interpret.devices import fault_of_device
from interpret.errors import DeviceMissing, ProbeError
from interpret.models import Finding, ProbeRun
from interpret.parts import put_together
from interpret.probes import devices
from interpret.probes.entropy import NextTokenEntropy
from interpret.probes.forward import ForwardPasses
from interpret.probes.induction import InductionHeads
from interpret.probes.one_pass import Ablation, inputs_of
from interpret.probes.patterns import AttentionPatterns
from interpret.probes.residual import contributions, lens, read_residual
from interpret.probes.session import ModelSession
from interpret.probes.sites import Head
from interpret.probes.weights import LoadedModel, dead_model
from interpret.services.execution import execute_probe_run
from interpret.services.findings import digest_of_finding
from interpret.services.queueing import queue_probe_run
from tests.factories import World, acting
from tests.interpret.conftest import StandInProbe, StandInSession, probe, sent
from tests.probes import planted
from tests.probes.elsewhere import META, Elsewhere, TwoDevices, moved
from tests.probes.store import write_folder
from tests.probes.test_entropy import model_of, prompts

__all__ = ["probe", "sent"]
IDS = np.random.default_rng(0).integers(0, planted.WORDS, size=(3, 20))
ENGINE = Path(devices.__file__).parent
# What makes a tensor where it is told to, and otherwise on the CPU; and what takes one from there.
MAKERS = {
    "arange", "as_tensor", "empty", "eye", "from_numpy", "full", "linspace", "normal", "ones", "rand", "randint",
    "randn", "randperm", "scalar_tensor", "tensor", "tril_indices", "zeros",
}  # fmt: skip
TAKERS = {"numpy", "cpu"}


@pytest.fixture
def loaded() -> LoadedModel:
    return moved(planted.induction_model())


def test_a_tensor_of_another_device_is_noticed(loaded: LoadedModel) -> None:
    with Elsewhere(), pytest.raises(TwoDevices, match="embedding"):
        loaded.model(input_ids=torch.from_numpy(IDS), use_cache=False)


@pytest.mark.parametrize("answer", [True, False])
def test_all_that_a_pass_is_given_is_where_the_model_is_and_what_it_gives_is_not(
    loaded: LoadedModel, answer: bool
) -> None:
    with Elsewhere(answer=answer) as elsewhere:
        out = ForwardPasses().clean(loaded, IDS, set(Want), (12, 20, 20), layers=[0, 1])
    given = inputs_of(loaded, IDS, (12, 20, 20))
    assert {each.device.type for each in given.values() if isinstance(each, torch.Tensor)} == {META}
    shapes = {name: array.shape for name, array in out.arrays().items()}
    assert shapes == {
        "surprisal": (3, 19),
        "entropy": (3, 20),
        "margin": (3, 20),
        "attention": (2, 20, 3, 20, 20),
        "head_means": (2, 20, planted.HEAD_WIDTH),
        "residual after 0": (3, 20, loaded.shape.width),
        "residual after 1": (3, 20, loaded.shape.width),
    }
    assert elsewhere.fetched


@pytest.mark.parametrize("layer", [0, 1])
def test_an_ablation_goes_on_from_the_middle_where_the_model_is(
    loaded: LoadedModel, layer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ForwardPasses, "_prove", lambda *_: None)  # of zeros, nothing moves
    zeros = Ablation((Head(layer, 0),), np.zeros((1, planted.HEAD_WIDTH), dtype=np.float32), share=0.5)
    with Elsewhere():
        changed = ForwardPasses().ablated(loaded, IDS, zeros)
    assert changed.fired == {f"ablate {layer}.0": 1}


def test_before_an_ablation_is_proven_it_is_refused_there_too(loaded: LoadedModel) -> None:
    zeros = Ablation((Head(1, 0),), np.zeros((1, planted.HEAD_WIDTH), dtype=np.float32))
    with Elsewhere(), pytest.raises(ProbeError, match="moved by 0"):
        ForwardPasses().ablated(loaded, IDS, zeros)


def test_the_residual_stream_is_read_and_read_out_there(loaded: LoadedModel) -> None:
    with Elsewhere():
        residual = read_residual(loaded, IDS, 1, (12, 20, 20))
        logits, parts = lens(loaded, residual), contributions(loaded, IDS)
    assert logits.shape == (*IDS.shape, loaded.shape.vocabulary)
    assert {type(part) for part in parts.values()} == {np.ndarray}


@pytest.mark.parametrize(
    ("measured", "specification"),
    [
        (NextTokenEntropy(), {"inputs": prompts(8)}),
        (
            InductionHeads(),
            {"parameters": {"heads": 1, "control_draws": 2, "length": 16, "permutations": 99}},
        ),
        (
            AttentionPatterns(),
            {"parameters": {"heads": 1, "control_draws": 2, "length": 16, "permutations": 99}},
        ),
    ],
    ids=lambda each: type(each).__name__,
)
def test_each_probe_measures_all_its_parts_there(
    measured: Any, specification: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ForwardPasses, "_prove", lambda *_: None)
    loaded = moved(model_of(planted.induction_model()))
    asked = ProbeSpecification("p", loaded.digest, 1, **specification)
    session = ModelSession(loaded={loaded.digest: loaded})
    with Elsewhere() as elsewhere:
        for part in measured.parts(asked):
            assert measured.measure(asked, session, part)
    assert elsewhere.fetched
    assert session.dead(loaded.digest, 1).device.type == META


def test_a_model_of_the_store_and_its_dead_copy_are_put_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interpret.probes.session.check_device", lambda _: None)
    digest = model_store.add_folder(tmp_path / "models", write_folder(tmp_path / "snapshot"))
    session = ModelSession(tmp_path / "models", device=META)
    with Elsewhere():
        assert (session.model(digest).device.type, session.dead(digest, 5).device.type) == (META, META)


def test_a_dead_copy_is_drawn_alike_on_every_device() -> None:
    drawn = [dead_model(planted.random_model(), 3).model.state_dict() for _ in range(2)]
    for name, weight in drawn[0].items():
        assert torch.equal(weight, drawn[1][name])
    calls = [source for name, source in called() if name == "randperm"]
    assert calls == ["torch.randperm(weight.numel(), generator=draws)"]  # of the CPU, wherever the weight is


def called() -> Iterator[tuple[str, str]]:
    """Yield each call in the engine that makes a tensor without saying where, or takes one from where it is."""
    for path in sorted(ENGINE.rglob("*.py")):
        if path.name == "devices.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            named, of = node.func.attr, ast.unparse(node.func.value)
            makes = (
                of == "torch" and named in MAKERS and not any(each.arg == "device" for each in node.keywords)
            )
            if makes or (named in TAKERS and not node.args):
                yield named, ast.unparse(node)


def test_one_room_puts_numbers_on_a_device_and_takes_them_back() -> None:
    assert {name for name, _ in called()} == {"randperm"}


@pytest.mark.parametrize(
    ("name", "there", "said"),
    [
        ("cpu", 0, None),
        ("cuda", 1, None),
        ("cuda:0", 1, None),
        ("cuda:3", 4, None),
        ("cuda", 0, "TRACEBINDER_PROBE_DEVICE asks for cuda, and torch .* finds no CUDA device here"),
        ("cuda:1", 1, "asks for cuda:1, and there are 1 CUDA devices here, counted from cuda:0"),
    ],
)
def test_a_device_that_is_not_there_is_refused_by_name(
    name: str,
    there: int,
    said: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: there)
    assert devices.main(name) == (said is not None)
    told = capsys.readouterr().out
    if said is None:
        devices.check_device(name)
        assert told == ""
        return
    for ask in (devices.check_device, lambda device: ModelSession(device=device)):
        with pytest.raises(DeviceMissing, match=said) as refused:
            ask(name)
    assert told.strip() == str(refused.value)


def test_alike_devices_are_told_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "NVIDIA H100")
    assert devices.device_in_words("cpu") == "cpu"
    assert devices.device_in_words("cuda:0") == devices.device_in_words("cuda:1") == "cuda, NVIDIA H100"


@pytest.mark.usefixtures("sent")
def test_a_run_on_a_device_that_is_gone_fails_and_is_measured_nowhere_else(
    world: World, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    settings.PROBE_DEVICE = "cuda"
    run = queue_probe_run(release=world.release, probe="induction.heads", principal=acting())
    with pytest.raises(DeviceMissing):
        execute_probe_run(run.pk)
    run.refresh_from_db()
    assert run.state == ProbeRun.State.FAILED
    assert run.error.startswith("device_missing: TRACEBINDER_PROBE_DEVICE asks for cuda")


@pytest.mark.usefixtures("sent", "probe")
def test_a_finding_says_on_which_device_it_was_measured_where_that_is_not_the_cpu(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OnDevice(StandInSession):
        def measure(self, *given: Any) -> MeasuredPart:
            part = StandInSession.measure(self, *given)
            return MeasuredPart(**{**part.as_json(), "device": "cuda, NVIDIA H100"})

    keys = []
    for seed, session in enumerate((StandInSession(), OnDevice())):
        monkeypatch.setattr(registry, "open_session", lambda *_, session=session: session)
        run = queue_probe_run(release=world.release, probe="induction.heads", principal=acting(), seed=seed)
        execute_probe_run(run.pk)
        found = Finding.objects.get(run=run)
        assert digest_of_finding(found) == found.digest
        keys.append(found.provenance)
    assert keys[1].pop("device") == "cuda, NVIDIA H100"
    assert keys[0].keys() == keys[1].keys()


def test_parts_of_unlike_devices_are_not_put_together() -> None:
    there, specification = StandInProbe(), ProbeSpecification("p", "a" * 64, 0)
    there.names = ("one", "two")
    done = [
        MeasuredPart(name, "1", {}, {}, 1, 1, device)
        for name, device in (("one", "cpu"), ("two", "cuda, H100"))
    ]
    assert "device" not in done[0].as_json()
    assert MeasuredPart(**done[0].as_json()) == done[0]
    with pytest.raises(ProbeError, match="different devices: cpu and cuda, H100"):
        put_together(there, specification, done)


def test_a_worker_asks_another_process_whether_its_device_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fault_of_device("cpu") == ""
    monkeypatch.setattr(
        subprocess,
        "run",
        lambda *_, **__: subprocess.CompletedProcess([], 1, "", "Traceback\nNo module named 'torch'\n"),
    )
    assert fault_of_device("cuda").endswith("which cannot be looked at: No module named 'torch'")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, "", ""))
    assert fault_of_device("cuda:1") == ""


def test_a_driver_that_hangs_ends_the_start_and_does_not_hold_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: Any, **given: Any) -> None:
        raise subprocess.TimeoutExpired("python", given["timeout"])

    monkeypatch.setattr(subprocess, "run", hang)
    assert "whose driver says nothing within 60 s" in fault_of_device("cuda")
