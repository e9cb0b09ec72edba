"""What is left out of a changed pass is missed by no number: they are those of the whole pass, to the last bit."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from interpret.probes import answering, few_words
from interpret.probes.answering import AnswerSite
from interpret.probes.forward import ForwardPasses
from interpret.probes.weights import LoadedModel
from tests.probes.zoo.parts import wrap

WORDS = few_words.MANY_WORDS + 100
TEXTS = [[3, 5, 8, 2, 9], [4, 4, 6, 1, 2], [7, 5, 3, 2, 2], [5, 1, 9], [8, 8, 1], [2, 3, 4]]
ANSWERS = (4000, (17, 4099))


def test_a_few_words_are_read_out_as_among_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    few = read_and_change(made())
    monkeypatch.setattr(few_words, "MANY_WORDS", WORDS + 1)
    whole = read_and_change(made())
    assert np.array_equal(few, whole)
    assert len(set(few)) > len(TEXTS)  # and they are not all one number


def test_what_is_remembered_of_some_texts_is_what_a_copy_of_all_of_it_gives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen = read_and_change(made())
    monkeypatch.setattr(answering, "remembered_of", copied)
    assert np.array_equal(chosen, read_and_change(made()))


def test_small_vocabularies_and_other_unembeddings_are_read_out_whole() -> None:
    loaded = made()
    assert few_words.read_out_few(loaded, [1, 2])[0] is not None
    assert few_words.read_out_few(loaded, range(few_words.ROWS + 1))[0] is None
    loaded.model.lm_head = torch.nn.Sequential(loaded.model.lm_head)
    loaded.model.get_output_embeddings = lambda: loaded.model.lm_head
    assert few_words.read_out_few(loaded, [1, 2])[0] is None


def read_and_change(loaded: LoadedModel) -> Any:
    """Return the log-odds of all texts, of many changes after layer 1, and of the texts once more."""
    site = AnswerSite(ForwardPasses(), loaded, 1, ANSWERS)
    reading = site.read(TEXTS)
    texts = [number for number in range(len(TEXTS)) for _ in range(7)]
    noise = np.random.default_rng(3).standard_normal((len(texts), loaded.shape.width)).astype(np.float32)
    return np.concatenate([reading.odds, site.changed(reading, texts, noise), site.read(TEXTS).odds])


def copied(before: Any, rows: torch.Tensor, *, above: int) -> Any:
    """Return a copy of everything that is remembered, and of that the rows."""
    own = copy.deepcopy(before)
    own.batch_select_indices(rows)
    return own


def made() -> LoadedModel:
    """Return a model that was never trained, with enough words."""
    torch.manual_seed(5)
    config = LlamaConfig(
        vocab_size=WORDS,
        hidden_size=48,
        intermediate_size=96,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    return wrap(LlamaForCausalLM(config), "few words")
