"""A dictionary is trained, stored by its digest and read back as what it was."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from interpret.dictionaries import library, storing
from interpret.dictionaries.about import About, Site
from interpret.dictionaries.coding import Autoencoder, Floats
from interpret.dictionaries.training import Training, batches_of, train
from interpret.errors import (
    BadSpecification,
    DictionaryChanged,
    DictionaryInvalid,
    DictionaryMisfit,
    DictionaryMissing,
    DictionaryUnreadable,
)
from tests.probes.dictionaries.planted import TRUE, WIDTH, activations, directions

SITE = Site("a" * 64, 1, WIDTH)
TRAINING = Training(features=TRUE, active=2, samples=60_000, batch=128, rate=3e-3, dead_after=50)


@pytest.fixture(scope="module")
def trained() -> Any:
    return train(activations(4000), TRAINING)


def stored(store: Path, sae: Any, site: Site = SITE) -> str:
    return storing.store_trained(store, sae, About(site, "topk", TRUE, 2.0))


def l0_of(coder: Autoencoder, data: Floats) -> float:
    return float((coder.encode(data) != 0).sum(axis=1).mean())


def test_the_planted_directions_are_found(trained: Any) -> None:
    found = Autoencoder(trained).directions
    found = found / np.linalg.norm(found, axis=1, keepdims=True)
    nearest = np.abs(directions() @ found.T).max(axis=1)
    assert np.median(nearest) > 0.9
    assert nearest.mean() > 0.8
    drawn = np.random.default_rng(1).standard_normal(found.shape)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    assert np.abs(directions() @ drawn.T).max(axis=1).mean() < 0.7


def test_the_same_seed_gives_the_same_dictionary_and_another_seed_another(tmp_path: Path) -> None:
    short = replace(TRAINING, samples=2048)
    digests = [stored(tmp_path, train(activations(1000), each)) for each in (short, short)]
    assert digests[0] == digests[1]
    assert stored(tmp_path, train(activations(1000), replace(short, seed=1))) != digests[0]


def test_training_leaves_torchs_own_stream_and_threads_alone() -> None:
    before, threads = torch.random.get_rng_state(), torch.get_num_threads()
    train(activations(500), replace(TRAINING, samples=256))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_read_back_it_is_what_was_trained(tmp_path: Path, trained: Any) -> None:
    """Scale and norms are folded into the weights, which are rounded: the figures stay."""
    data, before = activations(500, seed=5), Autoencoder(trained)
    after = storing.load(tmp_path, stored(tmp_path, trained), SITE)
    storing.check_l0(l0_of(before, data), l0_of(after, data))
    apart = after.decode(after.encode(data)) - before.decode(before.encode(data))
    assert np.abs(apart).max() < 0.02 * np.abs(data).max()


def test_ten_lines_of_torch_read_the_file_alike(tmp_path: Path, trained: Any) -> None:
    data = torch.from_numpy(activations(300, seed=6))
    dictionary = storing.load(tmp_path, stored(tmp_path, trained), SITE)
    raw = load_file(tmp_path / dictionary.digest / "dictionary" / library.WEIGHTS)
    weights = {name: each.float() for name, each in raw.items()}
    before = (data - weights["b_dec"]) @ weights["W_enc"] + weights["b_enc"]
    before = before * weights["W_dec"].norm(dim=-1)
    top = before.relu().topk(2)
    features = torch.zeros_like(before).scatter(-1, top.indices, top.values)
    again = (features / weights["W_dec"].norm(dim=-1)) @ weights["W_dec"] + weights["b_dec"]
    ours = dictionary.encode(data.numpy())
    assert np.allclose(ours, features.numpy(), atol=1e-4)
    assert np.allclose(dictionary.decode(ours), again.numpy(), atol=1e-3)


@pytest.mark.parametrize(
    ("site", "said"),
    [
        (replace(SITE, model="b" * 64), "its model is a{64}, not b{64}"),
        (replace(SITE, layer=0), "its layer is 1, not 0"),
        (replace(SITE, width=32), "its width is 16, not 32"),
    ],
)
def test_a_dictionary_of_another_place_is_refused(
    tmp_path: Path, trained: Any, site: Site, said: str
) -> None:
    digest = stored(tmp_path, trained)
    with pytest.raises(DictionaryMisfit, match=said) as raised:
        storing.load(tmp_path, digest, site)
    assert raised.value.code == "dictionary_misfit"


def test_one_that_says_another_width_than_it_has_is_refused(tmp_path: Path, trained: Any) -> None:
    digest = stored(tmp_path, trained, replace(SITE, width=8))
    with pytest.raises(DictionaryMisfit, match="24 features of width 16, not 24 of 8"):
        storing.load(tmp_path, digest, replace(SITE, width=8))


def test_bytes_that_were_changed_are_refused(tmp_path: Path, trained: Any) -> None:
    digest = stored(tmp_path, trained)
    file = tmp_path / digest / "dictionary" / "about.json"
    file.write_text(file.read_text().replace('"layer": 1', '"layer": 0'))
    with pytest.raises(DictionaryChanged, match=digest):
        storing.load(tmp_path, digest, replace(SITE, layer=0))


@pytest.mark.parametrize("digest", ["c" * 64, "../elsewhere", ""])
def test_what_is_not_there_is_missing(tmp_path: Path, digest: str) -> None:
    with pytest.raises(DictionaryMissing):
        storing.load(tmp_path, digest, SITE)


@pytest.mark.parametrize(
    ("before", "after"), [(32.0, 91.0), (32.0, 28.7), (32.0, 35.3), (0.0, 0.0), (32.0, 0.0)]
)
def test_an_l0_that_moved_by_more_than_a_tenth_makes_it_invalid(before: float, after: float) -> None:
    with pytest.raises(DictionaryInvalid):
        storing.check_l0(before, after)
    storing.check_l0(32.0, 35.1)


def test_what_is_written_as_another_architecture_is_caught_by_its_l0(tmp_path: Path) -> None:
    """A BatchTopK that was hardly trained is written with thresholds that mean nothing yet."""
    from sae_lens import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig

    torch.manual_seed(0)
    data = activations(512)
    sae = BatchTopKTrainingSAE(BatchTopKTrainingSAEConfig(d_in=WIDTH, d_sae=TRUE, k=2))
    before = l0_of(Autoencoder(sae), data)
    digest = storing.store_trained(tmp_path, sae, About(SITE, "jumprelu", TRUE, before))
    after = l0_of(storing.load(tmp_path, digest, SITE), data)
    with pytest.raises(DictionaryInvalid, match="this is not the dictionary that was trained"):
        storing.check_l0(before, after)


@pytest.mark.parametrize("architecture", ["standard", "gated", "jumprelu", "topk", "matching_pursuit"])
def test_what_others_trained_is_read_whatever_its_architecture(tmp_path: Path, architecture: str) -> None:
    from sae_lens.registry import get_sae_class

    made, config = get_sae_class(architecture)
    further: dict[str, Any] = {
        "topk": {"k": 2},
        "matching_pursuit": {"max_iterations": 2, "residual_threshold": 0.1},
    }
    sae: Any = made(config(d_in=WIDTH, d_sae=TRUE, **further.get(architecture, {})))
    sae.save_model(tmp_path / "theirs")
    digest = storing.add_foreign(tmp_path / "store", tmp_path / "theirs", SITE)
    read = storing.load(tmp_path / "store", digest, SITE)
    data = activations(20)
    assert read.about.architecture == architecture
    assert read.decode(read.encode(data)).shape == data.shape
    with pytest.raises(DictionaryMisfit, match="its width is 16, not 32"):
        storing.add_foreign(tmp_path / "store", tmp_path / "theirs", replace(SITE, width=32))


SPOILT: Final[Mapping[str, tuple[Callable[[Path], object], str]]] = {
    "no JSON": (lambda folder: (folder / library.CONFIG).write_text("{"), "JSONDecodeError"),
    "no UTF-8": (lambda folder: (folder / library.CONFIG).write_bytes(b'"\xff"'), "UnicodeDecodeError"),
    "JSON without end": (
        lambda folder: (folder / library.CONFIG).write_text("[" * 100_000),
        "RecursionError",
    ),
    "JSON of another shape": (lambda folder: (folder / library.CONFIG).write_text("[]"), "TypeError"),
    "a text for metadata": (lambda folder: reset(folder, metadata="sae-lens"), "AttributeError"),
    "no architecture": (lambda folder: reset(folder, architecture=None), "KeyError"),
    "another architecture": (lambda folder: reset(folder, architecture="of tomorrow"), "of tomorrow"),
    "another version": (
        lambda folder: reset(folder, metadata={"sae_lens_version": "newest"}),
        "InvalidVersion",
    ),
    "a setting that cannot be": (lambda folder: reset(folder, normalize_activations="much"), "ValueError"),
    "a width that is none": (lambda folder: reset(folder, d_in="16"), "TypeError"),
    "heads that divide nothing": (
        lambda folder: reset(folder, architecture="temporal", n_heads=7),
        "AssertionError",
    ),
    "no heads": (lambda folder: reset(folder, architecture="temporal", n_heads=0), "ZeroDivisionError"),
    "weights of another shape": (lambda folder: reset(folder, d_sae=TRUE + 1), "size mismatch"),
    "weights that are none": (
        lambda folder: (folder / library.WEIGHTS).write_bytes(b"none"),
        "SafetensorError",
    ),
    "weights cut off": (
        lambda folder: os.truncate(folder / library.WEIGHTS, 1000),
        "SafetensorError",
    ),
    "weights that lack": (lambda folder: reweigh(folder, b_dec=None), "b_dec"),
    "weights that are no numbers": (
        lambda folder: reweigh(folder, b_dec=torch.full((WIDTH,), torch.nan)),
        "b_dec hold what is no number",
    ),
    "a transcoder": (lambda folder: reset(folder, architecture="transcoder", d_out=WIDTH), "transcoder"),
}


def reset(folder: Path, **settings: object) -> None:
    """Give the settings of a dictionary other values; None takes one away."""
    stored = {**json.loads((folder / library.CONFIG).read_text()), **settings}
    (folder / library.CONFIG).write_text(json.dumps({k: v for k, v in stored.items() if v is not None}))


def reweigh(folder: Path, **weights: torch.Tensor | None) -> None:
    """Give a dictionary other weights, likewise."""
    stored = {**load_file(folder / library.WEIGHTS), **weights}
    save_file({name: each for name, each in stored.items() if each is not None}, folder / library.WEIGHTS)


@pytest.mark.parametrize(("spoil", "said"), SPOILT.values(), ids=SPOILT)
def test_what_is_no_dictionary_is_unreadable(
    tmp_path: Path, trained: Any, spoil: Callable[[Path], object], said: str
) -> None:
    library.write_for_inference(trained, tmp_path)
    library.read(tmp_path)
    spoil(tmp_path)
    with pytest.raises(DictionaryUnreadable, match=said):
        library.read(tmp_path)


def test_files_that_nobody_may_open_are_no_dictionary(
    tmp_path: Path, trained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.write_for_inference(trained, tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("sae_lens.SAE.load_from_disk", refuse)
    with pytest.raises(DictionaryUnreadable, match="Permission denied"):
        library.read(tmp_path)


@pytest.mark.parametrize("fault", [MemoryError, ImportError, NameError])
def test_a_fault_that_is_none_of_the_files_is_not_laid_at_their_door(
    tmp_path: Path, trained: Any, monkeypatch: pytest.MonkeyPatch, fault: type[Exception]
) -> None:
    library.write_for_inference(trained, tmp_path)

    def fail(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr("sae_lens.SAE.load_from_disk", fail)
    with pytest.raises(fault):
        library.read(tmp_path)


def test_a_folder_that_lacks_files_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(DictionaryUnreadable, match=r"holds no cfg\.json and no sae_weights"):
        library.read(tmp_path)


@pytest.mark.parametrize(
    "told",
    [
        [], {}, {"site": {}}, {"site": {"model": "a", "layer": 1, "width": 2}},
        {"site": {"model": "a", "layer": "1", "width": 2}, "architecture": "topk", "features": 1},
        {"site": {"model": "a", "layer": 1, "width": 2}, "architecture": "topk", "features": True},
        {"site": {"model": "a", "layer": 1, "width": 2}, "architecture": "topk", "features": 1, "more": 1},
    ],
)  # fmt: skip
def test_what_it_says_of_itself_is_read_strictly(told: object) -> None:
    with pytest.raises(DictionaryUnreadable, match=r"about\.json"):
        About.from_json(told)


@pytest.mark.parametrize(
    ("training", "said"),
    [
        (replace(TRAINING, batch=5000), "fewer than a batch"),
        (replace(TRAINING, active=0), "cannot be active"),
        (replace(TRAINING, active=25), "cannot be active"),
        (replace(TRAINING, samples=10), "fewer than a batch"),
    ],
)
def test_settings_that_train_nothing_are_refused(training: Training, said: str) -> None:
    with pytest.raises(BadSpecification, match=said):
        train(activations(1000), training)


def test_each_token_comes_once_before_any_comes_again() -> None:
    data = np.arange(256, dtype=np.float32)[:, None]
    batches = batches_of(data, replace(TRAINING, batch=128), lambda *_: None)
    first = torch.cat([next(batches), next(batches)]).ravel()
    assert first.sort().values.tolist() == list(range(256))
    assert first.tolist() != list(range(256))


def test_a_frozen_decoder_stays_as_it_was_drawn() -> None:
    training = replace(TRAINING, samples=2048)
    drawn = library.new_topk(width=WIDTH, features=TRUE, active=2, seed=0).W_dec.detach().numpy()
    sae = train(activations(1000), training, frozen=True)
    scale = Autoencoder(sae).directions / drawn
    assert np.allclose(scale, scale[0, 0], rtol=1e-4)
    assert not np.allclose(sae.W_enc.detach().numpy().T / drawn, scale[0, 0], rtol=0.1)
