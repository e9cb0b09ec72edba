"""What the animals are made of: a real LLaMA with grouped-query attention whose weights are written by hand.

The residual stream holds the word, the word before it and the word that is predicted, a coordinate a word each, and a
constant. All other weights of the attention are small noise: a head that nothing was written into reads evenly, is
read a little, and is never quite nothing, as in a trained model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

from interpret.probes.sites import Head
from interpret.probes.weights import LoadedModel, library_versions, shape_of

WORDS = 40
WIDTH = 140
HEADS = 20  # a layer: so that there are 19 other sets to draw beside any that is ablated
GROUP = 2  # query heads that read the same keys and values: 0 and 1, 2 and 3, ...
HEAD_WIDTH = 128
FAST = 24  # rotary pairs that tell positions apart; the rest barely turn and carry content
SLOPE = 10  # a rotary pair that turns by 0.013 a token: over one text its sine is a slope
THETA = 1e12
NOISE = 1e-4  # standard deviation, beside the 0.1 to 12 of what is written
TOKEN, BEFORE, PREDICTION, CONSTANT = 0, WORDS, 2 * WORDS, 3 * WORDS  # where each begins in the residual


def empty(heads: int = HEADS) -> LlamaForCausalLM:
    """Return a model with so many heads a layer that knows its words and predicts all of them alike."""
    model = LlamaForCausalLM(_config(heads))
    noise = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(1.0 if "norm" in name else 0.0)
            if name.endswith(("v_proj.weight", "o_proj.weight")):
                weight.normal_(0, NOISE, generator=noise)
        for word in range(WORDS):
            model.model.embed_tokens.weight[word, TOKEN + word] = 1.0
        model.model.embed_tokens.weight[:, CONSTANT] = 1.0
    return model


def blank(heads: int = HEADS, head_width: int = HEAD_WIDTH) -> LlamaForCausalLM:
    """Return a model of this shape with fresh random weights."""
    return LlamaForCausalLM(_config(heads, head_width))


def look_back(model: LlamaForCausalLM, head: Head, lag: int) -> None:
    """Make `head` attend exactly `lag` tokens back, by turning the query against the key."""
    query, key = _query(head), _key_value(head)
    attention = model.model.layers[head.layer].self_attn
    for pair in range(FAST):
        angle = lag * THETA ** (-2 * pair / HEAD_WIDTH)
        attention.k_proj.weight[key + pair, CONSTANT] = 3.0
        attention.q_proj.weight[query + pair, CONSTANT] = 3.0 * math.cos(angle)
        attention.q_proj.weight[query + pair + HEAD_WIDTH // 2, CONSTANT] = -3.0 * math.sin(angle)


def look_farthest(model: LlamaForCausalLM, head: Head) -> None:
    """Make `head` attend the farther the more: all of it to the first token."""
    attention = model.model.layers[head.layer].self_attn
    attention.k_proj.weight[_key_value(head) + SLOPE, CONSTANT] = 12.0
    attention.q_proj.weight[_query(head) + SLOPE + HEAD_WIDTH // 2, CONSTANT] = -12.0


def match(model: LlamaForCausalLM, head: Head, *, against: int) -> None:
    """Make `head` attend where the words that begin at residual `against` are the word it stands on."""
    attention = model.model.layers[head.layer].self_attn
    for word in range(WORDS):
        attention.q_proj.weight[_query(head) + FAST + word, TOKEN + word] = 2.4
        attention.k_proj.weight[_key_value(head) + FAST + word, against + word] = 2.4


def carry(model: LlamaForCausalLM, head: Head, *, to: int, strength: float = 1.0) -> None:
    """Make `head` carry the words on which it attends to the residual that begins at `to`."""
    attention = model.model.layers[head.layer].self_attn
    for word in range(WORDS):
        attention.v_proj.weight[_key_value(head) + word, TOKEN + word] = strength / math.sqrt(WIDTH / 2)
        attention.o_proj.weight[to + word, _query(head) + word] = 1.0


def predict(model: LlamaForCausalLM, *, from_: int = PREDICTION, strength: float = 3.0) -> None:
    """Make the model answer with the words that begin at residual `from_`."""
    for word in range(WORDS):
        model.lm_head.weight[word, from_ + word] = strength


def attend(
    model: LlamaForCausalLM, head: Head, pairs: Sequence[tuple[int, int]], *, nearest: float = 0.0
) -> None:
    """Make `head` attend from what has the first of two residuals to what has the second.

    Args:
        nearest: how much more to what is nearer; below 0: to what is farther.
    """
    attention = model.model.layers[head.layer].self_attn
    for place, (query, key) in enumerate(pairs):
        attention.q_proj.weight[_query(head) + FAST + place, query] = 8.0
        attention.k_proj.weight[_key_value(head) + FAST + place, key] = 8.0
    if nearest:
        attention.k_proj.weight[_key_value(head) + SLOPE, CONSTANT] = 6.0
        attention.q_proj.weight[_query(head) + SLOPE + HEAD_WIDTH // 2, CONSTANT] = 6.0 * nearest


def wrap(model: PreTrainedModel, digest: str, tokenizer: Any = None) -> LoadedModel:
    """Return the model as probes take it; without a tokenizer its tokens are its words."""
    model.train(mode=False)
    return LoadedModel(model, tokenizer, digest, shape_of(model.config), library_versions())


@torch.no_grad()
def kill(loaded: LoadedModel, seed: int) -> None:
    """Shuffle the weights of a model inside each matrix: the same numbers, no circuit."""
    order = torch.Generator().manual_seed(seed)
    for weight in loaded.model.parameters():
        flat = weight.flatten()
        weight.copy_(flat[torch.randperm(flat.numel(), generator=order)].reshape(weight.shape))


def _query(head: Head) -> int:
    return head.head * HEAD_WIDTH


def _key_value(head: Head) -> int:
    return head.head // GROUP * HEAD_WIDTH


def _config(heads: int = HEADS, head_width: int = HEAD_WIDTH) -> LlamaConfig:
    width = -(-WIDTH // heads) * heads  # a multiple, which the library asks for
    return small_llama(
        WORDS, width, heads=heads, key_value_heads=heads // GROUP, head_width=head_width, theta=THETA
    )


def small_llama(
    words: int, width: int, *, heads: int, key_value_heads: int, head_width: int, theta: float
) -> LlamaConfig:
    """Return the configuration of two layers of attention that knows so many words."""
    return LlamaConfig(  # type: ignore[call-arg]  # its signature leaves out attn_implementation
        vocab_size=words,
        hidden_size=width,
        intermediate_size=8,
        num_hidden_layers=2,
        num_attention_heads=heads,
        num_key_value_heads=key_value_heads,
        head_dim=head_width,
        rope_parameters={"rope_type": "default", "rope_theta": theta},
        tie_word_embeddings=False,
        attn_implementation="eager",
        max_position_embeddings=512,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=None,
    )
