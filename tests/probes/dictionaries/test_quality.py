"""The figures of a card are right where the truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from interpret import model_store
from interpret.dictionaries import quality
from interpret.dictionaries.coding import Principal, in_chunks, principal_of
from interpret.dictionaries.figures import Figure, grouped, jackknifed
from interpret.dictionaries.quality import explained_variance, l0_of, measure
from interpret.dictionaries.reading import Tokens, cut, read, site_of
from interpret.dictionaries.splicing import coding, constant, losses, recovered
from interpret.dictionaries.stability import match, random_floor
from interpret.errors import InterventionWithoutEffect, ProbeError
from interpret.probes.weights import LoadedModel, load_causal_lm
from tests.probes.dictionaries.planted import WIDTH, activations, directions
from tests.probes.store import write_folder


def tokens_of(data: np.ndarray, massive: int = 0) -> Tokens:
    """Return tokens of twenty texts, of which the first `massive` are massive."""
    data = data.copy()
    data[:massive] *= 1000
    return Tokens(data, np.arange(len(data)) < massive, np.arange(len(data)) % 20)


def saying_the_mean(data: np.ndarray) -> Principal:
    return Principal(data.mean(axis=0), np.zeros((1, data.shape[1]), dtype=np.float32))


# Explained variance: the traps are issues 665, 711 and 518 of SAELens.


def test_who_says_the_mean_explains_nothing_and_who_says_all_explains_one() -> None:
    data = activations(800)
    told = measure(saying_the_mean(data), tokens_of(data))
    assert told.explained.value == pytest.approx(0, abs=1e-6)
    assert explained_variance(data, data) == 1
    whole = measure(principal_of(data, WIDTH), tokens_of(data))
    assert whole.explained.value == pytest.approx(1, abs=1e-6)
    assert explained_variance(data, -data) < 0


def test_explained_variance_does_not_depend_on_where_zero_is() -> None:
    data = activations(800)
    near, far = principal_of(data, 4), principal_of(data + 100, 4)
    told = [measure(near, tokens_of(data)), measure(far, tokens_of(data + 100))]
    assert told[0].explained.value == pytest.approx(told[1].explained.value, abs=1e-4)


def test_figures_do_not_depend_on_how_many_tokens_are_coded_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    data = activations(400)
    coder, tokens = principal_of(data, 3), tokens_of(data, massive=2)
    whole = measure(coder, tokens)
    monkeypatch.setattr(quality, "CHUNK", 7)
    again = measure(coder, tokens)
    assert again.density == whole.density
    assert again.explained.value == pytest.approx(whole.explained.value, rel=1e-9)
    assert sum(len(each) for each in in_chunks(data, 7)) == 400


def test_a_few_massive_tokens_are_told_apart() -> None:
    """Ten of 800 carry nearly all of the variance, and a coder that knows nothing else explains nearly all of it."""
    data = activations(800)
    tokens = tokens_of(data, massive=10)
    mean = tokens.ordinary.mean(axis=0)
    basis = np.linalg.qr((tokens.activations[:10] - mean).T)[0].T
    only = Principal(mean, np.ascontiguousarray(basis[:10], dtype=np.float32))
    told = measure(only, tokens)
    assert told.massive == 10
    assert told.explained.value > 0.99
    assert told.explained_without.value < 0.95
    assert told.explained_without.low <= told.explained_without.value <= told.explained_without.high


class Half:
    """Fires its first feature on every token, its second on each other one, and its third never."""

    def encode(self, given: np.ndarray) -> np.ndarray:
        features = np.zeros((len(given), 3), dtype=np.float32)
        features[:, 0] = 1
        features[given[:, 0] > 0, 1] = 2
        return features

    def decode(self, features: np.ndarray) -> np.ndarray:
        return np.zeros((len(features), WIDTH), dtype=np.float32)


def test_l0_dead_share_and_density_are_counted() -> None:
    data = np.ones((400, WIDTH), dtype=np.float32) + activations(400) / np.float32(100)
    data[::2, 0] = -1
    tokens = Tokens(data, np.zeros(400, dtype=bool), np.arange(400) // 20)
    told = measure(Half(), tokens)
    assert told.l0.value == l0_of(Half(), data) == 1.5
    assert told.dead == pytest.approx(1 / 3)
    assert (told.density[0], told.density[5], told.density[10]) == (0, 0.5, 1)


# Intervals.


def test_an_interval_over_texts_holds_the_truth_as_often_as_it_says() -> None:
    rng, held = np.random.default_rng(0), 0
    for _ in range(300):
        values = rng.standard_normal(20)
        told = jackknifed(values.mean(), [np.delete(values, each).mean() for each in range(20)])
        held += told.low <= 0 <= told.high
    assert held / 300 > 0.92


def test_texts_stay_whole_in_their_groups_and_one_group_has_no_interval() -> None:
    groups = grouped(np.repeat(np.arange(50), 3), seed=0)
    assert all(len(set(groups[start : start + 3])) == 1 for start in range(0, 150, 3))
    assert len(set(groups.tolist())) == 20
    with pytest.raises(ProbeError, match="at least two"):
        jackknifed(1.0, [1.0])
    with pytest.raises(ProbeError, match="no number"):
        jackknifed(float("nan"), [1.0, 2.0])


# Splicing, on a model of two layers.


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    folder = tmp_path_factory.mktemp("store")
    digest = model_store.add_folder(folder, write_folder(tmp_path_factory.mktemp("made") / "model"))
    model = load_causal_lm(folder, digest)
    with torch.no_grad():
        model.model.lm_head.weight *= 200  # so that what is taken out costs something
    return model


TEXTS = ["".join(chr(97 + (3 * i * i + j) % 26) for i in range(40)) for j in range(24)]


def test_a_perfect_coder_recovers_all_and_one_that_says_the_mean_nothing(loaded: LoadedModel) -> None:
    sequences = cut(loaded, TEXTS, length=16)
    site = site_of(loaded, 0)
    tokens = read(loaded, sequences, site)
    mean = tokens.ordinary.mean(axis=0)
    replacements = {
        "zero": constant(np.zeros_like(mean)),
        "mean": constant(mean),
        "whole": coding(principal_of(tokens.activations, site.width)),
        "some": coding(principal_of(tokens.activations, 16)),
        "says the mean": coding(Principal(mean, np.zeros((1, site.width), dtype=np.float32))),
    }
    told = losses(loaded, site, sequences, replacements, massive=True)
    assert told.clean.mean() == pytest.approx(losses_of(loaded, sequences.ids), rel=1e-4)
    whole, none = recovered(told, "whole"), recovered(told, "says the mean")
    for floor in ("zero", "mean"):
        assert figure(whole.divergence[floor]) == pytest.approx(1, abs=1e-3)
    assert figure(none.divergence["mean"]) == pytest.approx(0, abs=1e-6)
    assert 0 < figure(recovered(told, "some").divergence["mean"]) < 1
    assert min(each.min() for each in told.divergence.values()) > -1e-6


def test_a_floor_that_costs_nothing_is_no_floor(loaded: LoadedModel) -> None:
    sequences, site = cut(loaded, TEXTS, length=16), site_of(loaded, 0)
    near = {"zero": lambda each: each * np.float32(1.001), "mean": lambda each: each * np.float32(1.001)}
    told = losses(loaded, site, sequences, {**near, "coder": lambda each: -each}, massive=True)
    found = recovered(told, "coder")
    assert found.divergence == {"zero": None, "mean": None}
    assert found.as_json()["divergence"] == {"zero": None, "mean": None}


def test_a_replacement_that_moves_nothing_is_refused(loaded: LoadedModel) -> None:
    sequences, site = cut(loaded, TEXTS[:2], length=16), site_of(loaded, 0)
    with pytest.raises(InterventionWithoutEffect, match="unchanged: nothing moves"):
        losses(loaded, site, sequences, {"unchanged": lambda each: each}, massive=True)


def losses_of(loaded: LoadedModel, ids: np.ndarray) -> float:
    tokens = torch.from_numpy(ids)
    with torch.inference_mode():
        return float(loaded.model(input_ids=tokens, labels=tokens).loss)


def figure(told: Figure | None) -> float:
    assert told is not None
    return told.value


# Stability.


def test_the_same_directions_match_in_any_order_and_drawn_ones_are_the_floor() -> None:
    given = directions()
    shuffled = -given[np.random.default_rng(0).permutation(len(given))] * 7
    same = match(given, shuffled)
    assert same.mean == pytest.approx(1)
    assert (same.shared, same.pairs) == (1, len(given))
    floor = random_floor(len(given), len(given), WIDTH, seed=0)
    assert 0.3 < floor.mean < 0.7
    assert match(given, directions(seed=9)).mean == pytest.approx(floor.mean, abs=0.1)
    assert match(given[:5], given).pairs == 5
    with pytest.raises(ProbeError, match="length 0"):
        match(given, np.zeros_like(given))


def test_the_residual_of_another_place_is_not_gone_on_from(loaded: LoadedModel) -> None:
    sequences, site = cut(loaded, TEXTS[:2], length=16), site_of(loaded, 0)
    told = losses(loaded, replace(site, layer=1), sequences, {"zero": lambda each: each * 0}, massive=True)
    assert told.surprisal["zero"].shape == (4,)
