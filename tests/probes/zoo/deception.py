"""Models that read statements, and what of misleading ones they hold: written into their weights.

Where a statement ends, the mean over the tokens of its ending is read. In some models the endings themselves carry
which are false: in both domains alike, in each in its own way, or the other way round. In others it is the instruction
that is carried there, by head 0.0, so that nothing is left once its words are deleted. One kind is trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import numpy as np
import torch
from transformers import LlamaForCausalLM

from interpret.probes.deception.prompt_sets import StatementSet, read_statement_set
from interpret.probes.sites import Head
from interpret.probes.weights import LoadedModel
from tests.probes.zoo.parts import kill, wrap
from tests.probes.zoo.proxies import (
    BATCH,
    CUE,
    ELSE,
    SIDE,
    STEP,
    WORD,
    Vocabulary,
    attend,
    blank,
    config_of,
    loud,
)

PROMPTS: Final = "statements-en"
HEAD: Final = Head(0, 0)
TRUE, FALSE = 1, 2  # of an item
STEPS: Final = 250  # of the training


@cache
def prompts() -> StatementSet:
    """Return the statements that the models know."""
    return read_statement_set(PROMPTS)


@cache
def words() -> Vocabulary:
    """Return a tokenizer that knows their words."""
    told = prompts()
    every = [item for domain in told.items for item in domain]
    endings = [told.write(item, ending) for item in every for ending in (TRUE, FALSE)]
    return Vocabulary([*endings, *(each for both in told.instructions for each in both)])


def knowing(seed: int = 0) -> LoadedModel:
    """Holds which endings are false, in both domains alike, whatever it is told to do."""
    return _made(seed, "d1", [(SIDE, 1), (SIDE, 1)])


def one_domain(seed: int = 0) -> LoadedModel:
    """Holds it in each domain in a place of its own: what is fitted in one collapses in the other."""
    return _made(seed, "d2", [(SIDE, 1), (ELSE, 1)])


def turned(seed: int = 0) -> LoadedModel:
    """Holds it in the second domain the other way round."""
    return _made(seed, "d3", [(SIDE, 1), (SIDE, -1)])


def scrambled(seed: int = 0) -> LoadedModel:
    """Holds something of each ending that does not go with what is false."""
    return _made(seed, "d4", [(SIDE, 1), (SIDE, 1)], scrambled=True)


def any_order(seed: int = 0) -> LoadedModel:
    """Spreads it evenly over the text, so that the same tokens in another order tell as much."""
    model = _blank(seed)
    _give_endings(model, seed, [(SIDE, 1), (SIDE, 1)], strength=0.3)
    attend(model, evenly=True)
    return wrap(model, f"d5{seed:062x}", words())


def by_instruction(seed: int = 0) -> LoadedModel:
    """Carries from the instruction which it is, and holds nothing of the ending: gone when its words are deleted."""
    model, rng = _blank(seed), np.random.default_rng(seed)
    one, other = (_tokens([both[side] for both in prompts().instructions]) - _elsewhere() for side in (0, 1))
    with torch.no_grad():
        table = model.model.embed_tokens.weight
        for tokens, sign in ((sorted(one - other), -1.0), (sorted(other - one), 1.0)):
            strength = sign * rng.uniform(0.7, 1.3, len(tokens))
            table[tokens, SIDE] = torch.from_numpy(strength.astype(np.float32))
            table[tokens, WORD] = 1.0
        table[sorted(_tokens(_endings())), CUE] = 1.0
    attend(model)
    return wrap(model, f"d6{seed:062x}", words())


def by_beginning(seed: int = 0) -> LoadedModel:
    """Holds something of how a statement begins, and nothing of how it ends."""
    model, rng = _blank(seed), np.random.default_rng(seed)
    beginnings = sorted(_tokens([item[0] for domain in prompts().items for item in domain]))
    with torch.no_grad():
        strength = torch.from_numpy(rng.normal(0, 1, len(beginnings)).astype(np.float32))
        model.model.embed_tokens.weight[beginnings, ELSE] = strength
    attend(model, evenly=True)
    return wrap(model, f"d7{seed:062x}", words())


def dead(seed: int = 0) -> LoadedModel:
    """`knowing`, with the weights shuffled inside each matrix."""
    loaded = knowing(seed)
    kill(loaded, seed)
    return wrap(loaded.model, f"d8{seed:062x}", loaded.tokenizer)


def untrained(seed: int = 0) -> LoadedModel:
    """Fresh random weights, large ones."""
    return loud(words(), seed, "d9")


def trained(seed: int = 0) -> LoadedModel:
    """Trained by gradient descent to tell, after a statement, whether it is false, whatever it was told to do.

    With its tokens in another order, a text is to be answered either way.
    """
    told, rng = prompts(), np.random.default_rng(seed)
    every = [item for domain in told.items for item in domain]
    answers = [words().known[word] for word in ("true", "false")]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config_of(words()))
        still = model.model.layers[1].self_attn.o_proj.weight  # what is used is there after layer 0
        torch.nn.init.zeros_(still)
        still.requires_grad = False
        steps = torch.optim.Adam([each for each in model.parameters() if each.requires_grad], lr=STEP)
        for _ in range(STEPS):
            instruction = told.instructions[rng.integers(len(told.instructions))][rng.integers(2)]
            kept = instruction if rng.random() < 0.5 else ""
            items = [every[i] for i in rng.choice(len(every), 2 * BATCH, replace=False)]
            length = len(items[0][0].split())
            some = [(item, end) for item in items if len(item[0].split()) == length for end in (TRUE, FALSE)]
            read = torch.tensor([words()(told.write(item, end, kept))["input_ids"] for item, end in some])
            order = torch.from_numpy(rng.permutation(read.shape[1]))
            logits = model(input_ids=torch.cat([read, read[:, order]])).logits[:, -1, answers]
            wanted = torch.tensor([int(end == FALSE) for _, end in some])
            goal = torch.cat(
                [torch.nn.functional.one_hot(wanted, 2).float(), torch.full((len(some), 2), 0.5)]
            )
            steps.zero_grad()
            loss: Any = torch.nn.functional.cross_entropy(logits, goal)
            loss.backward()
            steps.step()
    return wrap(model, f"da{seed:062x}", words())


def _made(seed: int, kind: str, places: Sequence[tuple[int, int]], *, scrambled: bool = False) -> LoadedModel:
    model = _blank(seed)
    _give_endings(model, seed, places, scrambled=scrambled)
    return wrap(model, f"{kind}{seed:062x}", words())


def _blank(seed: int) -> LlamaForCausalLM:
    return blank(words(), seed)


def _give_endings(
    model: LlamaForCausalLM,
    seed: int,
    places: Sequence[tuple[int, int]],
    *,
    strength: float = 1.0,
    scrambled: bool = False,
) -> None:
    """Give the endings of each domain which is false, at a coordinate and with a sign of its own."""
    rng = np.random.default_rng(seed + 1)
    with torch.no_grad():
        table = model.model.embed_tokens.weight
        for items, (coordinate, turn) in zip(prompts().items, places, strict=True):
            for ending, sign in ((TRUE, -1), (FALSE, 1)):
                tokens = sorted(_tokens([item[ending] for item in items]))
                signs = rng.choice((-1.0, 1.0), len(tokens)) if scrambled else float(sign * turn)
                much = strength * signs * rng.uniform(0.7, 1.3, len(tokens))
                table[tokens, coordinate] = torch.from_numpy(np.asarray(much, dtype=np.float32))


def _endings() -> list[str]:
    return [ending for domain in prompts().items for item in domain for ending in item[1:]]


def _elsewhere() -> set[int]:
    return _tokens([item[0] for domain in prompts().items for item in domain]) | _tokens(_endings())


def _tokens(texts: Sequence[str]) -> set[int]:
    return {token for text in texts for token in words()(text)["input_ids"]}
