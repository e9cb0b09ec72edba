"""Models that read a source and an answer, and what they hold of whether it is backed: written into their weights.

Both claims of a fact have codes that are opposite. Head 0.0 notes what stands after "Answer". Head 1.0 looks from a
claim to the same code before that, and carries a mark from there: there is none where the source says the other thing.
Head 2.0 carries that on to the words after the claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import numpy as np
import torch
from transformers import LlamaForCausalLM

from interpret.probes.hallucination.prompt_sets import ClaimSet, Fact, read_claim_set
from interpret.probes.sites import Head
from interpret.probes.weights import LoadedModel
from tests.probes.zoo.parts import THETA, small_llama, wrap
from tests.probes.zoo.proxies import LOUD, Vocabulary, kill

PROMPTS: Final = "claims-en"
HEAD: Final = Head(1, 0)
DEPTH: Final = 1.0  # of three layers the last is read
WIDTH, HEAD_WIDTH, HEADS, LAYERS = 128, 64, 2, 3
SPREAD, CODES = 40, 32  # coordinates of each word's own noise, and of the codes
CODE, GUESS = 40, 72  # where codes begin: of a claim, and of what is foretold
WORD, CUE, AFTER, MARK, OTHER_MARK, READ, OTHER_READ, ELSE, CONSTANT = range(104, 113)
SLOW = 8  # from this rotary pair on nothing turns: what is matched there is content
STRENGTH: Final = 0.3  # of a code, in each of its coordinates


@cache
def prompts() -> ClaimSet:
    """Return the facts that the models know."""
    return read_claim_set(PROMPTS)


@cache
def words() -> Vocabulary:
    """Return a tokenizer that knows their words."""
    told = prompts()
    every = [fact for facts in told.facts for fact in facts]
    return Vocabulary([told.write(fact, which, which) for fact in every for which in (0, 1)])


def knowing(seed: int = 0) -> LoadedModel:
    """Holds of a claim whether its source says it, at the claim and after it."""
    return _wrap(_reader(seed, [1, 1]), "e1", seed)


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
) -> LlamaForCausalLM:
    """Return a model that marks backed claims, in each domain with a sign and at a coordinate of its own."""
    model, rng = _blank(seed), np.random.default_rng(seed + 1)
    with torch.no_grad():
        table = model.model.embed_tokens.weight
        for facts, turn, mark in zip(prompts().facts, turns, marks, strict=True):
            for fact in facts:
                sign = turn * (rng.choice((-1, 1)) if drawn else 1)
                table[_tokens(fact, 0) + _tokens(fact, 1), mark] = float(sign * rng.uniform(0.7, 1.3))
    _note_answer(model)
    _match(model)
    if onwards:
        _carry_on(model, READ, READ)
        _carry_on(model, OTHER_READ, OTHER_READ, place=1)
    return model


def _blank(seed: int) -> LlamaForCausalLM:
    """Return a model that knows its words by noise of their own, and claims by codes besides."""
    model, noise = LlamaForCausalLM(_config()), torch.Generator().manual_seed(seed)
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(1.0 if "norm" in name else 0.0)
            if "norm" not in name:
                weight.normal_(0, 0.01, generator=noise)
        table = model.model.embed_tokens.weight
        table[:, :SPREAD].normal_(0, 0.15, generator=noise)
        table[:, CODE:] = 0.0
        table[:, CONSTANT] = 1.0
        table[words().known["Answer"], CUE] = 1.0
        for fact in (fact for facts in prompts().facts for fact in facts):
            code = torch.from_numpy(rng.choice((-STRENGTH, STRENGTH), CODES).astype(np.float32))
            for which, sign in ((0, 1.0), (1, -1.0)):
                tokens = _tokens(fact, which)
                table[tokens, CODE : CODE + CODES] = sign * code
                table[tokens, WORD] = 1.0
    return model


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


def _give_else(model: LlamaForCausalLM, seed: int) -> None:
    """Give each claim something that goes with nothing."""
    rng = np.random.default_rng(seed + 2)
    with torch.no_grad():
        for fact in (fact for facts in prompts().facts for fact in facts):
            for which in (0, 1):
                model.model.embed_tokens.weight[_tokens(fact, which), ELSE] = float(rng.normal())


@cache
def _counts() -> dict[int, int]:
    """Return in how many things that are said, or else in texts around them, each token stands."""
    found: dict[int, int] = {}
    for fact in (fact for facts in prompts().facts for fact in facts):
        around = prompts().write(Fact(fact.beside, fact.template, fact.question, ("", "")), 0, 0)
        for text in (*fact.said, around):
            for token in set(words()(text)["input_ids"]):
                found[token] = found.get(token, 0) + 1
    return found


def _tokens(fact: Fact, which: int) -> list[int]:
    """Return the tokens that stand in this claim and nowhere else."""
    return [token for token in words()(fact.said[which])["input_ids"] if _counts()[token] == 1]


def _wrap(model: LlamaForCausalLM, kind: str, seed: int) -> LoadedModel:
    return wrap(model, f"{kind}{seed:062x}", words())


def _config() -> Any:
    config = small_llama(
        len(words().known), WIDTH, heads=HEADS, key_value_heads=HEADS, head_width=HEAD_WIDTH, theta=THETA
    )
    config.num_hidden_layers = LAYERS
    return config
