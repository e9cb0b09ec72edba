"""What is told of a feature is what it does, and a label is judged on words that it was not chosen by."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from interpret import model_store
from interpret.dictionaries.about import About
from interpret.dictionaries.coding import Dictionary
from interpret.dictionaries.concepts import CONCEPTS
from interpret.dictionaries.described import Described
from interpret.dictionaries.features import describe, halves, matched_values
from interpret.dictionaries.polysemanticity import areas_of, check_concepts
from interpret.dictionaries.reading import cut, read, site_of
from interpret.probes.weights import LoadedModel, load_causal_lm
from tests.probes.store import WIDTH, write_folder

LETTERS = "abcdefgh"


@dataclass(frozen=True, slots=True)
class PlantedSae:
    """Features that read and write directions of their own."""

    W_dec: torch.Tensor  # (feature, width)

    def encode(self, activations: torch.Tensor) -> torch.Tensor:
        return torch.relu(activations @ self.W_dec.T)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    folder: Path = tmp_path_factory.mktemp("store")
    digest = model_store.add_folder(folder, write_folder(tmp_path_factory.mktemp("made") / "model"))
    return load_causal_lm(folder, digest)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    draws = random.Random(0)
    return ["".join(draws.choice(LETTERS) for _ in range(64)) for _ in range(6)]


@pytest.fixture(scope="module")
def dictionary(loaded: LoadedModel, texts: list[str]) -> Dictionary:
    """Three features: one fires on every token, one on those along a direction, one on none."""
    site = site_of(loaded, 1)
    mean = read(loaded, cut(loaded, texts), site).activations.mean(axis=0)
    along = np.random.default_rng(0).standard_normal(WIDTH).astype(np.float32)
    sae = PlantedSae(torch.from_numpy(np.stack([100 * mean, along, -1e6 * mean])))
    return Dictionary(sae, "d" * 64, About(site, "planted", 3))


@pytest.fixture(scope="module")
def told(loaded: LoadedModel, dictionary: Dictionary, texts: list[str]) -> dict[str, Any]:
    return describe(loaded, dictionary, texts)


def test_it_is_read_back_as_it_was_written(told: dict[str, Any]) -> None:
    found = Described.from_json(json.loads(json.dumps(told)))
    assert (found.features, found.texts) == (3, 6)
    assert found.concepts.names == tuple(CONCEPTS)
    assert all(len(each.answers) == len(CONCEPTS) for each in found.described)


def test_densities_and_values_are_those_of_another_count(
    loaded: LoadedModel, dictionary: Dictionary, texts: list[str], told: dict[str, Any]
) -> None:
    tokens = read(loaded, cut(loaded, texts), dictionary.about.site)
    values = np.maximum(tokens.ordinary @ dictionary.directions.T, 0)
    for each in told["described"]:
        own = values[:, each["number"]]
        assert each["density"] == pytest.approx((own > 0).mean(), abs=1e-5)
        assert each["largest"] == pytest.approx(own.max(), abs=6e-4)


def test_examples_go_down_the_quantiles_each_of_texts_of_its_own(told: dict[str, Any]) -> None:
    for each in told["described"]:
        examples = each["examples"]
        assert examples[0]["value"] == each["largest"]
        at = {one["quantile"]: one["value"] for one in examples}
        assert list(at.values()) == sorted(at.values(), reverse=True)
        for quantile in at:
            alike = [one["text"] for one in examples if one["quantile"] == quantile]
            assert len(alike) == len(set(alike))
        assert all(one["token"] in LETTERS for one in examples)


def test_a_label_is_judged_on_none_of_the_words_it_is_chosen_by() -> None:
    words, concepts = check_concepts(CONCEPTS)
    choosing, judging = halves(concepts)
    assert not set(choosing.rows) & set(judging.rows)
    assert len(choosing.rows) == len(judging.rows) == len(words) // 2
    assert np.bincount(choosing.concepts).tolist() == np.bincount(judging.concepts).tolist()


def test_directions_that_were_drawn_are_cut_off_to_fire_as_often() -> None:
    rng = np.random.default_rng(0)
    tokens = rng.standard_normal((2000, 8)).astype(np.float32)
    directions = rng.standard_normal((5, 8)).astype(np.float32)
    for density, values in zip(
        (0.01, 0.3), matched_values(tokens, tokens[None], directions, (0.01, 0.3)), strict=True
    ):
        assert np.allclose((values > 0).mean(axis=0), density, atol=0.002)


def test_random_directions_tell_no_concept_but_by_chance(told: dict[str, Any]) -> None:
    means = [answer[4] for each in told["described"] for answer in each["answers"]]
    assert np.mean(means) == pytest.approx(0.5, abs=0.1)


def test_a_feature_that_is_a_concept_has_the_whole_area() -> None:
    _, concepts = check_concepts(CONCEPTS)
    _, judging = halves(concepts)
    values = (concepts == 3).astype(np.float32)[:, None]
    assert areas_of(values[judging.rows], judging.concepts)[3, 0] == 1.0
