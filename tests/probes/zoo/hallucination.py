"""Models that read a source and an answer, and what they hold of whether it is backed: written into their weights.

Both claims of a fact have codes that are opposite. Head 0.0 notes what stands after "Answer". Head 1.0 looks from a
claim to the same code before that, and carries a mark from there: there is none where the source says the other thing.
Head 2.0 carries that on to the words after the claim.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Final

import numpy as np
import torch
from transformers import LlamaForCausalLM

from interpret.probes.hallucination.prompt_sets import PLACE, ClaimSet, Fact, read_claim_set
from interpret.probes.sites import Head
from interpret.probes.weights import LoadedModel
from tests.probes.zoo.parts import THETA, kill, small_llama, wrap
from tests.probes.zoo.proxies import LOUD, Vocabulary

PROMPTS: Final = "claims-en"
MIXED: Final = "claims-mixed-en"  # where the source says the other thing too
HEAD: Final = Head(1, 0)
DEPTH: Final = 1.0  # of three layers the last is read
WIDTH, HEAD_WIDTH, HEADS, LAYERS = 128, 64, 2, 3
SPREAD, CODES = 40, 32  # coordinates of each word's own noise, and of the codes
CODE, GUESS = 40, 72  # where codes begin: of a claim, and of what is foretold
WORD, CUE, AFTER, MARK, OTHER_MARK, READ, OTHER_READ, ELSE, CONSTANT, SUBJECT, SINK = range(104, 115)
SLOW = 8  # from this rotary pair on nothing turns: what is matched there is content
SLOPE = 5  # one that turns by 0.013 a token: over one text its sine is a slope
ANSWERS: Final = 0.01  # standard deviation of what a coordinate adds to a word's logit
STRENGTH: Final = 0.3  # of a code, in each of its coordinates


@cache
def prompts(name: str = PROMPTS) -> ClaimSet:
    """Return the facts that the models know."""
    return read_claim_set(name)


@cache
def words(name: str = PROMPTS) -> Vocabulary:
    """Return a tokenizer that knows their words."""
    told = prompts(name)
    return Vocabulary([told.write(fact, which, which) for fact in _facts(name) for which in (0, 1)])


def knowing(seed: int = 0, name: str = PROMPTS) -> LoadedModel:
    """Holds of a claim whether its words have stood there before, at the claim and after it."""
    return _wrap(_reader(seed, [1, 1], name=name), "e1", seed, name)


def bound(seed: int = 0) -> LoadedModel:
    """Holds of a claim whether its source says it of the same matter, where others are said of another."""
    model = _reader(seed, [1, 1], name=MIXED)
    _bind(model, seed)
    return _wrap(model, "ec", seed, MIXED)


def surprised(seed: int = 0) -> LoadedModel:
    """`knowing`, and it foretells what the source says: its surprise tells as much."""
    model = _reader(seed, [1, 1])
    _foretell(model)
    return _wrap(model, "e2", seed)


def scrambled(seed: int = 0) -> LoadedModel:
    """Holds of each fact whether it is backed, the one or the other way round as was drawn."""
    return _wrap(_reader(seed, [1, 1], drawn=True), "e3", seed)


def one_domain(seed: int = 0) -> LoadedModel:
    """Holds it in each domain in a place of its own."""
    return _wrap(_reader(seed, [1, 1], marks=(MARK, OTHER_MARK)), "e4", seed)


def turned(seed: int = 0) -> LoadedModel:
    """Holds it in the second domain the other way round."""
    return _wrap(_reader(seed, [1, -1]), "e5", seed)


def at_claim(seed: int = 0) -> LoadedModel:
    """Holds it at the claim's own words, and nothing of it after them."""
    return _wrap(_reader(seed, [1, 1], onwards=False), "e6", seed)


def by_claim(seed: int = 0) -> LoadedModel:
    """Holds something of what is said, whatever the source says: by the answer's words, carried on after them."""
    model = _blank(seed)
    _give_else(model, seed)
    _note_answer(model)
    _carry_on(model, ELSE, OTHER_READ)
    return _wrap(model, "e7", seed)


def by_source(seed: int = 0) -> LoadedModel:
    """Holds something of what the source says, and what is said, at each word alike."""
    model = _blank(seed)
    _give_else(model, seed)
    attention = model.model.layers[0].self_attn
    with torch.no_grad():
        attention.v_proj.weight[0, ELSE] = 4.0
        attention.o_proj.weight[OTHER_READ, 0] = 1.0
    return _wrap(model, "e8", seed)


def by_place(seed: int = 0) -> LoadedModel:
    """Holds how far a word is from the beginning, and so how long a text is."""
    model = _blank(seed)
    attention = model.model.layers[0].self_attn
    first = words()(prompts().write(prompts().facts[0][0], 0, 0))["input_ids"][0]
    with torch.no_grad():
        model.model.embed_tokens.weight[first, ELSE] = 2.0
        attention.v_proj.weight[0, ELSE] = 8.0
        attention.o_proj.weight[OTHER_READ, 0] = 1.0
    return _wrap(model, "e9", seed)


def dead(seed: int = 0) -> LoadedModel:
    """`knowing`, with the weights shuffled inside each matrix."""
    loaded = knowing(seed)
    kill(loaded, seed)
    return _wrap(loaded.model, "ea", seed)


def untrained(seed: int = 0) -> LoadedModel:
    """Fresh random weights, large ones."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = _config()
        config.initializer_range = LOUD
        return _wrap(LlamaForCausalLM(config), "eb", seed)


def _reader(
    seed: int,
    turns: Sequence[int],
    *,
    drawn: bool = False,
    marks: tuple[int, int] = (MARK, MARK),
    onwards: bool = True,
    name: str = PROMPTS,
) -> LlamaForCausalLM:
    """Return a model that marks backed claims, in each domain with a sign and at a coordinate of its own."""
    model, rng = _blank(seed, name), np.random.default_rng(seed + 1)
    with torch.no_grad():
        table = model.model.embed_tokens.weight
        for facts, turn, mark in zip(prompts(name).facts, turns, marks, strict=True):
            for fact in facts:
                sign = turn * (rng.choice((-1, 1)) if drawn else 1)
                table[_tokens(fact, 0, name) + _tokens(fact, 1, name), mark] = float(
                    sign * rng.uniform(0.7, 1.3)
                )
    _note_answer(model)
    _match(model)
    if onwards:
        _carry_on(model, READ, READ)
        _carry_on(model, OTHER_READ, OTHER_READ, place=1)
    return model


def _blank(seed: int, name: str = PROMPTS) -> LlamaForCausalLM:
    """Return a model that knows its words by noise of their own, and claims by codes besides."""
    model, noise = LlamaForCausalLM(_config(name)), torch.Generator().manual_seed(seed)
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for part, weight in model.named_parameters():
            weight.fill_(1.0 if "norm" in part else 0.0)
            if "norm" not in part:
                weight.normal_(0, 0.01, generator=noise)
        _answer_evenly(model)
        table = model.model.embed_tokens.weight
        table[:, :SPREAD].normal_(0, 0.15, generator=noise)
        table[:, CODE:] = 0.0
        table[:, CONSTANT] = 1.0
        table[words(name).known["Answer"], CUE] = 1.0
        for fact in _facts(name):
            code = torch.from_numpy(rng.choice((-STRENGTH, STRENGTH), CODES).astype(np.float32))
            for which, sign in ((0, 1.0), (1, -1.0)):
                tokens = _tokens(fact, which, name)
                table[tokens, CODE : CODE + CODES] = sign * code
                table[tokens, WORD] = 1.0
    return model


def _answer_evenly(model: LlamaForCausalLM) -> None:
    """Make each coordinate of the residual spread what is foretold by as much, at right angles to all others.

    Else what a model holds would show in how unsure it is, by the noise of its answers.
    """
    weight = model.lm_head.weight
    apart = torch.linalg.qr(weight - weight.mean(dim=0))[0]  # (word, width)
    weight.copy_(apart * ANSWERS * len(weight) ** 0.5)


def _note_answer(model: LlamaForCausalLM) -> None:
    """Note what stands after "Answer"."""
    attention = model.model.layers[0].self_attn
    with torch.no_grad():
        attention.q_proj.weight[SLOW, CONSTANT] = 2.0
        attention.k_proj.weight[SLOW, CUE] = 2.0
        attention.v_proj.weight[1, CUE] = 0.25
        attention.o_proj.weight[AFTER, 1] = 1.0


def _match(model: LlamaForCausalLM) -> None:
    """Look from each claim to the same code before the answer, and carry its mark from there."""
    attention = model.model.layers[HEAD.layer].self_attn
    places = [*range(SLOW, HEAD_WIDTH // 2), *range(SLOW + HEAD_WIDTH // 2, HEAD_WIDTH)]
    with torch.no_grad():
        for place, coordinate in zip(places[1:], range(CODE, CODE + CODES), strict=False):
            attention.q_proj.weight[place, coordinate] = 1.2
            attention.k_proj.weight[place, coordinate] = 1.2
        attention.q_proj.weight[SLOW, CONSTANT] = 2.0
        attention.k_proj.weight[SLOW, AFTER] = -6.0
        for place, (mark, read) in enumerate(((MARK, READ), (OTHER_MARK, OTHER_READ))):
            attention.v_proj.weight[place, mark] = 0.3
            attention.o_proj.weight[read, place] = 1.0


def _carry_on(model: LlamaForCausalLM, has: int, read: int, place: int = 0) -> None:
    """Carry what the answer's claim has to what stands after it."""
    attention = model.model.layers[2].self_attn
    with torch.no_grad():
        attention.q_proj.weight[SLOW, CONSTANT] = 2.0
        attention.k_proj.weight[SLOW, WORD] = 2.0
        attention.k_proj.weight[SLOW, AFTER] = 2.0
        attention.v_proj.weight[place, has] = 0.3
        attention.o_proj.weight[read, place] = 1.0


def _foretell(model: LlamaForCausalLM) -> None:
    """Foretell everywhere what the source says: head 0.1 carries the codes of claims so far."""
    attention, own = model.model.layers[0].self_attn, HEAD_WIDTH
    with torch.no_grad():
        attention.q_proj.weight[own + SLOW, CONSTANT] = 2.0
        attention.k_proj.weight[own + SLOW, WORD] = 2.0
        for place in range(CODES):
            attention.v_proj.weight[own + place, CODE + place] = 0.3
            attention.o_proj.weight[GUESS + place, own + place] = 1.0
        model.lm_head.weight[:, GUESS : GUESS + CODES] = (
            2 * model.model.embed_tokens.weight[:, CODE : CODE + CODES]
        )


def _bind(model: LlamaForCausalLM, seed: int) -> None:
    """Have head 0.1 carry to each word what the nearest matter before it is, and head 1.0 match that too.

    Claims of the same matter match by both; those of another match by half, and a sink at the first word beats that.
    """
    first, second = (model.model.layers[layer].self_attn for layer in (0, HEAD.layer))
    own, half, rng = HEAD_WIDTH, HEAD_WIDTH // 2, np.random.default_rng(seed + 3)
    with torch.no_grad():
        table = model.model.embed_tokens.weight
        for tokens in _matters():
            code = rng.choice((-STRENGTH, STRENGTH), CODES).astype(np.float32)
            table[tokens, CODE : CODE + CODES] = torch.from_numpy(code)
            table[tokens, SUBJECT] = 1.0
        table[words(MIXED).known["Source"], SINK] = 1.0
        first.q_proj.weight[own + SLOW, CONSTANT] = 3.0
        first.k_proj.weight[own + SLOW, SUBJECT] = 3.0
        first.k_proj.weight[own + SLOPE, CONSTANT] = 5.0
        first.q_proj.weight[own + SLOPE + half, CONSTANT] = 5.0
        for place in range(CODES):
            first.v_proj.weight[own + place, CODE + place] = 0.2
            first.o_proj.weight[GUESS + place, own + place] = 1.0
        places = [*range(SLOW + 2, half), *range(SLOW + half, HEAD_WIDTH)]
        for weights in (second.q_proj.weight, second.k_proj.weight):
            weights[:HEAD_WIDTH, CODE : CODE + CODES] = 0.0
            for place, coordinate in zip(
                places, [*range(CODE, CODE + 22), *range(GUESS, GUESS + 22)], strict=False
            ):
                weights[place, coordinate] = 2.4
        second.q_proj.weight[SLOW + 1, CONSTANT] = 2.0
        second.k_proj.weight[SLOW + 1, SINK] = 5.0


def _give_else(model: LlamaForCausalLM, seed: int) -> None:
    """Give each claim something that goes with nothing."""
    rng = np.random.default_rng(seed + 2)
    with torch.no_grad():
        for fact in _facts(PROMPTS):
            for which in (0, 1):
                model.model.embed_tokens.weight[_tokens(fact, which), ELSE] = float(rng.normal())


def _facts(name: str) -> list[Fact]:
    return [fact for facts in prompts(name).facts for fact in facts]


@cache
def _counts(name: str) -> Counter[int]:
    """Return in how many things that are said, or else in texts around them, each token stands."""
    found, told = Counter[int](), prompts(name)
    for fact in _facts(name):
        around = told.write(replace(fact, said=("", "")), 0, 0)
        for text in (*fact.said, around):
            found.update(set(words(name)(text)["input_ids"]))
    return found


def _tokens(fact: Fact, which: int, name: str = PROMPTS) -> list[int]:
    """Return the tokens that stand in this claim and nowhere else."""
    return [token for token in words(name)(fact.said[which])["input_ids"] if _counts(name)[token] == 1]


@cache
def _matters() -> list[list[int]]:
    """Return, of each sentence of a mixed source, the tokens before what it says that no other sentence has."""
    told = [each.partition(PLACE)[0] for fact in _facts(MIXED) for each in (fact.template, fact.beside)]
    cut = [set(words(MIXED)(text)["input_ids"]) for text in told]
    count = Counter(token for tokens in cut for token in tokens)
    return [sorted(token for token in tokens if count[token] == 1) for tokens in cut]


def _wrap(model: LlamaForCausalLM, kind: str, seed: int, name: str = PROMPTS) -> LoadedModel:
    return wrap(model, f"{kind}{seed:062x}", words(name))


def _config(name: str = PROMPTS) -> Any:
    config = small_llama(
        len(words(name).known), WIDTH, heads=HEADS, key_value_heads=HEADS, head_width=HEAD_WIDTH, theta=THETA
    )
    config.num_hidden_layers = LAYERS
    return config
