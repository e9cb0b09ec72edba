"""Models that go on with the name that was said once, or only seem to, and through which heads: as they were written.

All are two layers of a real LLaMA with grouped-query attention, whose words are those of the English sentences. Each
word is a direction of its own in the residual stream; two more places there hold the same directions: what is to be
said, and what was said last. Where the answer is given, after the last "to" or "for", heads attend to names.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from interpret.probes.paths.sentences import SentenceSet, read_sentences
from interpret.probes.sites import Head
from interpret.probes.weights import LoadedModel
from tests.probes.zoo.parts import THETA, kill, small_llama, wrap
from tests.probes.zoo.words import Words

HEADS, GROUP, HEAD_WIDTH, WIDTH = 12, 2, 48, 84
SPREAD = 24  # numbers of a word's direction
WORD, SAID, LAST = 0, SPREAD, 2 * SPREAD  # where the word, what is to be said, and what was said last begin
NAME, CUE, THING, CONSTANT = 74, 75, 76, 77
SLOW = 10  # rotary pairs from here on do not turn: what is matched there is content
FLAG, NEAR = 23, 4  # a pair for flags, and one that turns by 0.006 a token: over one text its sine is a slope
NOISE = 0.01  # standard deviation of all other weights
LOUD = 0.2  # of those never trained: the log-odds of two names differ by nats
SURE = 1.0  # how strongly what is to be said is said


def counting(seed: int = 0) -> LoadedModel:
    """A head speaks against each name as often as it was said: the answer runs through it alone."""
    model, words, _ = _blank(seed)
    head = places(seed)[0]
    _attend(model, head, {CUE: 3.0}, {NAME: 3.0})
    _carry(model, head, to=SAID, strength=-1.0)
    return _wrap(model, words, "c1", seed)


def moving(seed: int = 0) -> LoadedModel:
    """One head finds who was named last; one in the next layer speaks for a name that was not."""
    model, words, _ = _blank(seed)
    _find_last(model, places(seed)[0])
    _move(model, places(seed)[1])
    return _wrap(model, words, "c2", seed)


def twins(seed: int = 0) -> LoadedModel:
    """`moving`, with two heads that both speak for the other name, each half as loud."""
    model, words, _ = _blank(seed)
    _find_last(model, places(seed)[0])
    for head in places(seed)[1:]:
        _move(model, head, strength=0.5)
    return _wrap(model, words, "c3", seed)


def silent(seed: int = 0) -> LoadedModel:
    """A head attends to names where the answer is given, and nothing reads what it gives."""
    model, words, _ = _blank(seed)
    _attend(model, places(seed)[0], {CUE: 3.0}, {NAME: 3.0})
    return _wrap(model, words, "c4", seed)


def first_named(seed: int = 0) -> LoadedModel:
    """A head attends to the name that was said first, whoever is named again, and speaks for it."""
    model, words, _ = _blank(seed)
    _attend(model, places(seed)[0], {CUE: 3.0}, {NAME: 3.0}, nearest=-5.0)
    _carry(model, places(seed)[0], to=SAID)
    return _wrap(model, words, "c5", seed)


def scrambled(seed: int = 0) -> LoadedModel:
    """`counting`, which speaks against another name for each: it moves the answer, to either side alike."""
    model, words, rng = _blank(seed)
    head = places(seed)[0]
    _attend(model, head, {CUE: 3.0}, {NAME: 3.0})
    _carry(model, head, to=SAID, strength=-1.0)
    tokens = [words.known[name] for name in _sentences().names]
    with torch.no_grad():
        model.lm_head.weight[tokens] = model.lm_head.weight[rng.permutation(tokens)]
    return _wrap(model, words, "c6", seed)


def any_order(seed: int = 0) -> LoadedModel:
    """`counting` from every word: it does the same wherever the names stand."""
    model, words, _ = _blank(seed)
    _attend(model, places(seed)[0], {CONSTANT: 3.0}, {NAME: 3.0})
    _carry(model, places(seed)[0], to=SAID, strength=-1.0)
    return _wrap(model, words, "c7", seed)


def thing(seed: int = 0) -> LoadedModel:
    """A head attends to the thing that is given, and speaks for names that happen to be near it."""
    model, words, _ = _blank(seed)
    _attend(model, places(seed)[0], {CUE: 3.0}, {THING: 3.0})
    _carry(model, places(seed)[0], to=SAID)
    return _wrap(model, words, "c8", seed)


def dead(seed: int = 0) -> LoadedModel:
    """`moving`, with the weights shuffled inside each matrix."""
    loaded = moving(seed)
    kill(loaded, seed)
    return wrap(loaded.model, f"c9{seed:062x}", loaded.tokenizer)


def untrained(seed: int = 0) -> LoadedModel:
    """Fresh random weights, so large that any name moves the answer."""
    words = _words()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(_config(words))
        with torch.no_grad():
            for name, weight in model.named_parameters():
                if "norm" not in name:
                    weight.normal_(0, LOUD)
        return wrap(model, f"ca{seed:062x}", words)


def places(seed: int) -> tuple[Head, Head, Head]:
    """Return where the heads are: one of the first layer, and two of the second that share no keys and values."""
    rng = np.random.default_rng(seed)
    first, second = (int(head) for head in rng.integers(0, HEADS, 2))
    return Head(0, first), Head(1, second), Head(1, (second + GROUP) % HEADS)


@cache
def _sentences() -> SentenceSet:
    return read_sentences("en")


@cache
def _words() -> Words:
    known = _sentences()
    return Words([*known.templates, *known.things, *known.names])


def _blank(seed: int) -> tuple[LlamaForCausalLM, Words, np.random.Generator]:
    """Return a model that knows its words, and answers by what is to be said, of which there is next to nothing."""
    words, known, noise = _words(), _sentences(), torch.Generator().manual_seed(seed)
    model = LlamaForCausalLM(_config(words))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(1.0 if "norm" in name else 0.0)
            if "norm" not in name:
                weight.normal_(0, NOISE, generator=noise)
        table = model.model.embed_tokens.weight
        drawn = torch.randn(len(words.known), SPREAD, generator=noise)
        directions = drawn / drawn.norm(dim=1, keepdim=True)
        table[:, WORD : WORD + SPREAD] = directions
        table[:, CONSTANT] = 1.0
        for flag, some in ((NAME, known.names), (THING, known.things), (CUE, ("to", "for"))):
            table[[words.known[word] for word in some], flag] = 1.0
        model.lm_head.weight[:, SAID : SAID + SPREAD] = directions * SURE
    return model, words, np.random.default_rng(seed + 1)


def _find_last(model: LlamaForCausalLM, head: Head) -> None:
    _attend(model, head, {CUE: 3.0}, {NAME: 3.0}, nearest=5.0)
    _carry(model, head, to=LAST)


def _move(model: LlamaForCausalLM, head: Head, strength: float = 1.0) -> None:
    """Make `head` attend to names other than the one that was said last, and speak for them."""
    _attend(model, head, {CUE: 3.0}, {NAME: 3.0})
    attention = model.model.layers[head.layer].self_attn
    with torch.no_grad():
        for place in range(SPREAD):
            pair = SLOW + place if place < SPREAD // 2 else SLOW + HEAD_WIDTH // 2 + place - SPREAD // 2
            attention.q_proj.weight[_query(head) + pair, LAST + place] = -2.5
            attention.k_proj.weight[_key_value(head) + pair, WORD + place] = 2.5
    _carry(model, head, to=SAID, strength=strength)


def _attend(
    model: LlamaForCausalLM, head: Head, of: dict[int, float], to: dict[int, float], *, nearest: float = 0.0
) -> None:
    """Make `head` attend from what has the first to what has the second; nearer ones more, or less below 0."""
    attention = model.model.layers[head.layer].self_attn
    query, key = _query(head), _key_value(head)
    with torch.no_grad():
        for place, strength in of.items():
            attention.q_proj.weight[query + FLAG, place] = strength
            if nearest:
                attention.q_proj.weight[query + NEAR + HEAD_WIDTH // 2, place] = nearest
        for place, strength in to.items():
            attention.k_proj.weight[key + FLAG, place] = strength
            if nearest:
                attention.k_proj.weight[key + NEAR, place] = abs(nearest)


def _carry(model: LlamaForCausalLM, head: Head, *, to: int, strength: float = 1.0) -> None:
    """Make `head` carry the words it attends to into the place that begins at `to`."""
    attention = model.model.layers[head.layer].self_attn
    with torch.no_grad():
        for place in range(SPREAD):
            attention.v_proj.weight[_key_value(head) + place, WORD + place] = math.sqrt(2 / WIDTH)
            attention.o_proj.weight[to + place, _query(head) + place] = strength


def _query(head: Head) -> int:
    return head.head * HEAD_WIDTH


def _key_value(head: Head) -> int:
    return head.head // GROUP * HEAD_WIDTH


def _wrap(model: LlamaForCausalLM, words: Words, kind: str, seed: int) -> LoadedModel:
    return wrap(model, f"{kind}{seed:062x}", words)


def _config(words: Words) -> LlamaConfig:
    return small_llama(
        len(words.known),
        WIDTH,
        heads=HEADS,
        key_value_heads=HEADS // GROUP,
        head_width=HEAD_WIDTH,
        theta=THETA,
    )
