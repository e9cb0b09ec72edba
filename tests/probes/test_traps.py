"""Traps that other tools fell into: each is shown first, then that the engine is right there, or refuses.

Still to come with the probes that they concern: a dictionary's reload, scale, explained variance and sparsity
(3, 4, 5), integrated gradients (the first half of 10), and hooks left by a dictionary that was attached (1).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, Olmo2Config, Olmo2ForCausalLM

from interpret.contracts import Want
from interpret.errors import ProbeError, SiteUnknown
from interpret.probes.forward import ForwardPasses
from interpret.probes.one_pass import Ablation, Floats, Ids
from interpret.probes.residual import contributions, lens, massive_tokens, read_residual, spread_of
from interpret.probes.sites import Head
from interpret.probes.weights import LoadedModel
from tests.probes.zoo import animals
from tests.probes.zoo.parts import CONSTANT, GROUP, HEAD_WIDTH, WIDTH, WORDS, empty, wrap

IDS: Ids = np.random.default_rng(0).integers(1, WORDS, size=(3, 20))
SMALL: dict[str, Any] = {"vocab_size": WORDS, "attn_implementation": "eager"}
NO_WORDS: dict[str, Any] = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}


def with_learned_positions() -> LoadedModel:
    torch.manual_seed(0)
    config = GPT2Config(
        n_positions=64, n_embd=32, n_layer=2, n_head=4, initializer_range=0.3, **SMALL, **NO_WORDS
    )
    return wrap(GPT2LMHeadModel(config), "60" * 32)


def with_a_norm_after_attention() -> LoadedModel:
    torch.manual_seed(0)
    config = Olmo2Config(
        hidden_size=32, intermediate_size=16, num_hidden_layers=2, num_attention_heads=4, **SMALL, **NO_WORDS
    )
    return wrap(Olmo2ForCausalLM(config), "01" * 32)


def random_llama() -> LoadedModel:
    """As `animals.random`, with weights large enough that layers and scales differ."""
    loaded = animals.random(2)
    noise = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for name, weight in loaded.model.named_parameters():
            if "norm" not in name:
                weight.normal_(0, 0.2, generator=noise)
    return loaded


@torch.inference_mode()
def logits(loaded: LoadedModel, ids: Ids, **given: Any) -> Floats:
    array: Floats = loaded.model(input_ids=torch.from_numpy(ids), **given).logits.numpy()
    return array


def test_padding_on_the_left_moves_every_learned_position() -> None:
    loaded, text = with_learned_positions(), IDS[:1, :12]
    alone = logits(loaded, text)
    left = np.concatenate([np.zeros((1, 8), dtype=np.int64), text], axis=1)
    mask = torch.from_numpy((np.arange(20) >= 8).astype(np.int64)[None])
    assert np.abs(logits(loaded, left, attention_mask=mask)[:, 8:] - alone).max() > 0.1  # the naive way
    surprisal = ForwardPasses().clean(loaded, text, {Want.SURPRISAL}).surprisal
    padded = np.concatenate([np.pad(text, ((0, 0), (0, 8))), IDS[1:]])
    batch = ForwardPasses().clean(loaded, padded, {Want.SURPRISAL}, (12, 20, 20)).surprisal
    assert surprisal is not None
    assert batch is not None
    assert batch[0, :11] == pytest.approx(surprisal[0], abs=1e-5)


@pytest.mark.parametrize("lengths", [(12, 20), (12, 20, 21), (0, 20, 20)])
def test_lengths_that_do_not_fit_their_batch_are_refused(lengths: Sequence[int]) -> None:
    with pytest.raises(ProbeError, match="do not fit 3 sequences of 20 tokens"):
        ForwardPasses().clean(animals.random(), IDS, {Want.SURPRISAL}, lengths)


def test_a_query_head_reads_the_keys_and_values_of_its_group() -> None:
    """With 4 queries and 2 keys and values, heads 0 and 1 read 0, heads 2 and 3 read 1."""
    model = empty(heads=4)
    with torch.no_grad():
        values = model.model.layers[0].self_attn.v_proj.weight
        values.zero_()
        for group in range(2):
            values[group * HEAD_WIDTH, CONSTANT] = 1.0 + group
    means = ForwardPasses().clean(wrap(model, "a0" * 32), IDS, {Want.HEAD_MEANS}).head_means
    assert means is not None
    read = (means[0, :, 0] / means[0, 0, 0]).round(3).tolist()
    dealt_out = [1.0 + head % 2 for head in range(4)]
    assert dealt_out == [1, 2, 1, 2]  # the naive way
    assert read == [1, 1, 2, 2]


@pytest.mark.parametrize("head", [Head(0, 1), Head(1, 0), Head(1, 3)], ids=str)
def test_an_ablation_is_what_the_same_change_of_weights_gives(head: Head) -> None:
    loaded, replacement = random_llama(), np.linspace(-1, 1, HEAD_WIDTH, dtype=np.float32)
    changed = ForwardPasses().ablated(loaded, IDS, Ablation((head,), replacement[None])).surprisal
    attention = loaded.model.model.layers[head.layer].self_attn
    own = slice(head.head * HEAD_WIDTH, (head.head + 1) * HEAD_WIDTH)
    group = head.head // GROUP * HEAD_WIDTH
    kept_values = attention.v_proj.weight.detach().clone()
    with torch.no_grad():
        # The naive way: silencing the values that a head reads silences its neighbour.
        attention.v_proj.weight[group : group + HEAD_WIDTH] = 0
        silenced = ForwardPasses().clean(loaded, IDS, {Want.SURPRISAL}).surprisal
        attention.v_proj.weight.copy_(kept_values)
        mix = attention.o_proj
        mix.bias = torch.nn.Parameter(mix.weight[:, own] @ torch.from_numpy(replacement))
        mix.weight[:, own] = 0
    exact = ForwardPasses().clean(loaded, IDS, {Want.SURPRISAL}).surprisal
    assert changed is not None
    assert silenced is not None
    assert exact is not None
    assert changed == pytest.approx(exact, abs=1e-4)
    assert np.abs(silenced - exact).max() > 0.1


def test_a_lens_norms_each_residual_by_its_own_scale() -> None:
    loaded = random_llama()
    first, last = (read_residual(loaded, IDS, layer) for layer in (0, 1))
    assert lens(loaded, last) == pytest.approx(logits(loaded, IDS), abs=1e-4)
    unembed = loaded.model.lm_head.weight.detach().numpy().astype(np.float64)

    def scale(residual: Floats) -> Any:
        return np.sqrt((residual.astype(np.float64) ** 2).mean(axis=-1, keepdims=True) + 1e-6)

    own, of_the_last = (entropy(first / scale(by) @ unembed.T) for by in (first, last))
    assert np.abs(of_the_last - own).max() > 0.1  # nats; the naive way
    assert entropy(lens(loaded, first)) == pytest.approx(own, abs=1e-3)


def entropy(given: Any) -> Any:
    p = np.exp(given - given.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    return -(p * np.log(p)).sum(axis=-1)


def test_massive_tokens_are_told_by_norm_wherever_they_stand() -> None:
    """One word (as the word that begins texts is) has a norm of 100 times the others', at the start and in mid-row."""
    loaded = animals.previous()
    with torch.no_grad():
        loaded.model.model.embed_tokens.weight[0] *= 100
    ids = IDS.copy()
    ids[:, 0] = 0
    ids[1, 9] = 0
    activations = read_residual(loaded, ids, 0).reshape(-1, WIDTH)
    massive = massive_tokens(activations)
    assert massive.tolist() == (ids.reshape(-1) == 0).tolist()
    by_position = np.delete(activations.reshape(3, 20, WIDTH), 0, axis=1).reshape(-1, WIDTH)
    told = spread_of(activations)
    assert (told.tokens, told.massive) == (60, 4)
    assert told.variance > 100 * told.variance_without
    assert (
        spread_of(by_position).variance > 50 * told.variance_without
    )  # the naive way: first tokens left out
    assert told.variance_without == pytest.approx(
        float(activations[ids.reshape(-1) > 0].var(axis=0).sum()), rel=1e-4
    )


def test_contributions_add_up_or_are_refused() -> None:
    loaded = random_llama()
    parts = contributions(loaded, IDS)
    assert list(parts) == [
        "embedding",
        *(f"layer {n} {what}" for n in (0, 1) for what in ("attention", "mlp")),
    ]
    assert sum(parts.values()) == pytest.approx(read_residual(loaded, IDS, 1), abs=1e-4)
    with pytest.raises(ProbeError, match=r"the parts lack .* of the residual of a olmo2 model"):
        contributions(with_a_norm_after_attention(), IDS)


@pytest.mark.parametrize(("asked", "nearest"), [(-1, 0), (2, 1)])
def test_a_layer_that_is_not_there_is_refused(asked: int, nearest: int) -> None:
    with pytest.raises(SiteUnknown, match=f"no layer {asked}: the nearest is {nearest}"):
        read_residual(animals.random(), IDS, asked)


def test_texts_in_a_batch_are_read_as_each_alone() -> None:
    loaded, lengths = random_llama(), (5, 20, 13)
    batch = ForwardPasses().clean(loaded, IDS, {Want.ENTROPY}, lengths).entropy
    assert batch is not None
    for row, length in enumerate(lengths):
        alone = ForwardPasses().clean(loaded, IDS[row : row + 1, :length], {Want.ENTROPY}).entropy
        assert alone is not None
        assert batch[row, :length] == pytest.approx(alone[0], abs=1e-5)
