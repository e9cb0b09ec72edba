"""Tiny models with known truth: circuits written into the weights by hand, and models that hold none."""

from __future__ import annotations

import math

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from interpret.probes.weights import LoadedModel, library_versions, shape_of

WORDS = 40
HEAD_WIDTH = 128
FAST = (
    24  # rotary pairs that turn fast enough to tell positions apart; the rest barely turn and carry content
)
CONSTANT = 3 * WORDS  # residual coordinate that is 1 at every token
THETA = 1e12


def _config(layers: int = 2) -> LlamaConfig:
    return LlamaConfig(  # type: ignore[call-arg]  # its signature leaves out attn_implementation
        vocab_size=WORDS,
        hidden_size=124,
        intermediate_size=8,
        num_hidden_layers=layers,
        num_attention_heads=31,  # so that there are 19 other sets of heads to draw as control
        num_key_value_heads=31,
        head_dim=HEAD_WIDTH,
        rope_parameters={"rope_type": "default", "rope_theta": THETA},
        tie_word_embeddings=False,
        attn_implementation="eager",
        max_position_embeddings=512,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=None,
    )


def _wrap(model: LlamaForCausalLM, digest: str) -> LoadedModel:
    model.train(mode=False)
    return LoadedModel(model, None, digest, shape_of(model.config), library_versions())


def random_model(seed: int = 0) -> LoadedModel:
    """A model that was never trained."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _wrap(LlamaForCausalLM(_config()), f"{seed:064x}")


def induction_model() -> LoadedModel:
    """Head 0.0 notes the previous token beside each; head 1.0 finds that note and copies what stands there.

    The residual stream holds token, previous token and prediction, a coordinate a word each, and a constant.
    """
    model = _empty()
    with torch.no_grad():
        _look_back(model, layer=0, lag=1)
        _move(model, layer=0, source=0, target=WORDS)
        layer = model.model.layers[1].self_attn
        for word in range(WORDS):
            layer.q_proj.weight[FAST + word, word] = 2.4
            layer.k_proj.weight[FAST + word, WORDS + word] = 2.4
        _move(model, layer=1, source=0, target=2 * WORDS)
        for word in range(WORDS):
            model.lm_head.weight[word, 2 * WORDS + word] = 3.0
    return _wrap(model, "1d" * 32)


def position_model(lag: int) -> LoadedModel:
    """Head 1.0 attends `lag` tokens back, whatever the tokens are: a shortcut that is no induction."""
    model = _empty()
    with torch.no_grad():
        _look_back(model, layer=1, lag=lag)
        _move(model, layer=1, source=0, target=2 * WORDS)
        for word in range(WORDS):
            model.lm_head.weight[word, 2 * WORDS + word] = 3.0
    return _wrap(model, "9f" * 32)


def _empty() -> LlamaForCausalLM:
    model = LlamaForCausalLM(_config())
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(1.0 if "norm" in name else 0.0)
        for word in range(WORDS):
            model.model.embed_tokens.weight[word, word] = 1.0
        model.model.embed_tokens.weight[:, CONSTANT] = 1.0
    return model


def _look_back(model: LlamaForCausalLM, *, layer: int, lag: int) -> None:
    """Make head 0 of `layer` attend exactly `lag` tokens back, by turning the query against the key."""
    attention = model.model.layers[layer].self_attn
    for pair in range(FAST):
        angle = lag * THETA ** (-2 * pair / HEAD_WIDTH)
        attention.k_proj.weight[pair, CONSTANT] = 3.0
        attention.q_proj.weight[pair, CONSTANT] = 3.0 * math.cos(angle)
        attention.q_proj.weight[pair + HEAD_WIDTH // 2, CONSTANT] = -3.0 * math.sin(angle)


def _move(model: LlamaForCausalLM, *, layer: int, source: int, target: int) -> None:
    """Make head 0 of `layer` carry the words at residual `source`, where it attends, to residual `target`."""
    attention = model.model.layers[layer].self_attn
    for word in range(WORDS):
        attention.v_proj.weight[word, source + word] = 1 / math.sqrt(124 / 2)
        attention.o_proj.weight[target + word, word] = 1.0
