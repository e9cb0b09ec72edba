"""Texts into activations: at one place of one model, each token knowing its text, massive ones told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from interpret import model_store
from interpret.dictionaries.reading import cut, read, site_of
from interpret.errors import BadSpecification, DictionaryMisfit, SiteUnknown
from interpret.probes.residual import read_residual
from interpret.probes.weights import LoadedModel, dead_model, load_causal_lm
from tests.probes.store import WIDTH, write_folder

TEXTS = ["abcdefgh" * 3, "ab", "hgfedcba" * 2]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    folder = tmp_path_factory.mktemp("store")
    digest = model_store.add_folder(folder, write_folder(tmp_path_factory.mktemp("made") / "model"))
    return load_causal_lm(folder, digest)


def test_each_token_is_in_its_place_and_knows_its_text(loaded: LoadedModel) -> None:
    sequences = cut(loaded, TEXTS, length=8)
    assert sequences.texts.tolist() == [0, 0, 0, 2, 2]
    tokens = read(loaded, sequences, site_of(loaded, 1))
    assert tokens.activations.shape == (40, WIDTH)
    assert tokens.texts.tolist() == [0] * 24 + [2] * 16
    assert np.allclose(tokens.activations[8:16], read_residual(loaded, sequences.ids[1:2], 1)[0], atol=1e-5)


def test_massive_tokens_are_told_by_norm_and_left_out(loaded: LoadedModel) -> None:
    model = dead_model(loaded, 0)  # a copy
    model.model.model.embed_tokens.weight.data[int(cut(model, ["abcdefgh"], 8).ids[0, 3])] *= 1000
    tokens = read(model, cut(model, TEXTS, length=8), site_of(model, 0))
    assert tokens.massive.sum() == 5
    assert tokens.ordinary.shape == (35, WIDTH)
    assert (
        np.linalg.norm(tokens.ordinary, axis=1).max() < np.linalg.norm(tokens.activations, axis=1).max() / 10
    )


def test_what_cannot_be_read_is_refused(loaded: LoadedModel) -> None:
    with pytest.raises(SiteUnknown, match="the nearest is 1"):
        site_of(loaded, 2)
    sequences, site = cut(loaded, TEXTS, length=8), site_of(loaded, 0)
    for other in (replace(site, model="b" * 64), replace(site, width=8)):
        with pytest.raises(DictionaryMisfit):
            read(loaded, sequences, other)
    with pytest.raises(BadSpecification, match="none of 3 texts is 64 tokens long"):
        cut(loaded, TEXTS)
    with pytest.raises(BadSpecification, match="no tokenizer"):
        cut(replace(loaded, tokenizer=None), TEXTS)
