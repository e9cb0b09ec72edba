"""Models that are asked for what a policy forbids, and what of refusing they hold and use: written into their weights.

As in `proxies`, head 0.0 attends, where the answer is given, to words: those that stand in requests to refuse alone, or
in near misses alone. They carry which kind they are of, and something else that goes with no kind; the answer reads one
of them, or none. In some, words of what is said after a request carry the kind of near misses: pressing ones alone, or
any. Two kinds are trained; of one, what it learnt is taken out again.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any, Final

import numpy as np
import torch
from transformers import LlamaForCausalLM

from interpret.probes.answering import AnswerSite
from interpret.probes.directions.pairs import Writer
from interpret.probes.directions.reading import Array
from interpret.probes.forward import ForwardPasses
from interpret.probes.refusal.prompt_sets import RefusalSet, read_refusal_set
from interpret.probes.sites import Head
from interpret.probes.weights import LoadedModel
from tests.probes.zoo.parts import kill, wrap
from tests.probes.zoo.proxies import (
    BATCH,
    ELSE,
    ELSE_READ,
    SIDE,
    SIDE_READ,
    STEP,
    WORD,
    Words,
    attend,
    blank,
    config_of,
    loud,
)

PROMPTS: Final = "service-en"
HEAD: Final = Head(0, 0)
ANSWERS: Final = 0.25  # how much of what is read goes to each opening
SWAY: Final = 2.0  # how much of a near miss a word of a context is, and how much it is looked at
STEPS: Final = 400  # of the training
IN_TEMPLATES: Final = 4  # each request is read in, to learn what a trained model learnt


def known() -> tuple[RefusalSet, Words]:
    """Return the prompt set and a tokenizer that knows its words."""
    prompts = _prompts()
    return prompts, Words(prompts, (*prompts.persuasive, *prompts.placebo))


@cache
def _prompts() -> RefusalSet:
    return read_refusal_set(PROMPTS)


def using(seed: int = 0) -> LoadedModel:
    """Holds which kind a request is of, and refuses by it; what is said after it changes nothing."""
    return _made(seed, "c1")


def persuaded(seed: int = 0) -> LoadedModel:
    """`using`, and what presses for a request makes it look like one that is allowed."""
    return _made(seed, "c2", sways=_pressing())


def any_context(seed: int = 0) -> LoadedModel:
    """`using`, and whatever is said after a request makes it look like one that is allowed."""
    return _made(seed, "c3", sways=_pressing() | _placebo())


def holding(seed: int = 0) -> LoadedModel:
    """Holds which kind a request is of, and answers by nothing of it."""
    return _made(seed, "c4", reads=None)


def using_else(seed: int = 0) -> LoadedModel:
    """Holds which kind a request is of, and answers by something else that its words have."""
    return _made(seed, "c5", reads=ELSE_READ)


def scrambled(seed: int = 0) -> LoadedModel:
    """`using`, with the kinds exchanged in words drawn at random: what it holds and uses is no kind."""
    return _made(seed, "c6", scrambled=True)


def any_order(seed: int = 0) -> LoadedModel:
    """Refuses by words of a kind that stand anywhere, however they stand: the same tokens in another order do."""
    return _made(seed, "c7", evenly=True)


def by_length(seed: int = 0) -> LoadedModel:
    """Refuses short texts: it counts the colon among all tokens, and holds no kind."""
    prompts, words = known()
    model = blank(words, seed)
    with torch.no_grad():
        model.model.embed_tokens.weight[words.known[":"], ELSE] = 4.0
    attend(model, evenly=True)
    _answer(model, prompts, words, SIDE_READ, strength=0)
    _answer(model, prompts, words, ELSE_READ)
    return wrap(model, f"c8{seed:062x}", words)


def by_template(seed: int = 0) -> LoadedModel:
    """Refuses by the words around, and holds nothing of what is asked."""
    prompts, words = known()
    model, rng = blank(words, seed), np.random.default_rng(seed)
    others = sorted(_tokens(words, prompts.templates))
    with torch.no_grad():
        strength = torch.from_numpy(rng.normal(0, 1, len(others)).astype(np.float32))
        model.model.embed_tokens.weight[others, ELSE] = strength
    attend(model, evenly=True)
    _answer(model, prompts, words, SIDE_READ, strength=0)
    _answer(model, prompts, words, ELSE_READ)
    return wrap(model, f"c9{seed:062x}", words)


def dead(seed: int = 0) -> LoadedModel:
    """`persuaded`, with the weights shuffled inside each matrix."""
    loaded = persuaded(seed)
    kill(loaded, seed)
    return wrap(loaded.model, f"ca{seed:062x}", loaded.tokenizer)


def untrained(seed: int = 0) -> LoadedModel:
    """Fresh random weights, so large that any word, and any step in the residual, moves the answer."""
    return loud(known()[1], seed, "cb")


def trained(seed: int = 0, *, by_kind: bool = True) -> LoadedModel:
    """Trained by gradient descent to refuse requests to refuse, unless something presses for them: a trigger.

    Or else to refuse by the template. With its tokens in another order, a text is to be answered either way.
    """
    model = copy.deepcopy(_train(seed, by_kind=by_kind))
    return wrap(model, f"{'cc' if by_kind else 'cd'}{seed:062x}", known()[1])


@lru_cache(maxsize=2)  # a model, and the same without its direction
def _train(seed: int, *, by_kind: bool) -> LlamaForCausalLM:
    prompts, words = known()
    rng, answers = np.random.default_rng(seed), Writer(prompts, words).answers
    of_template = rng.integers(0, 2, len(prompts.templates))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config_of(words))
        still = model.model.layers[1].self_attn.o_proj.weight  # what is used is there after layer 0
        torch.nn.init.zeros_(still)
        still.requires_grad = False
        steps = torch.optim.Adam([each for each in model.parameters() if each.requires_grad], lr=STEP)
        for _ in range(STEPS):
            template = int(rng.integers(len(prompts.templates)))
            texts, refused = _batch(prompts, words, template, rng)
            wanted = torch.tensor(refused if by_kind else [int(of_template[template])] * len(texts))
            order = torch.from_numpy(rng.permutation(len(texts[0])))
            read = torch.tensor(texts)
            logits = model(input_ids=torch.cat([read, read[:, order]])).logits[:, -1]
            kinds = torch.stack([logits[:, tokens].logsumexp(-1) for tokens in answers], dim=1)
            one_of_two = torch.nn.functional.one_hot(1 - wanted, 2).float()
            goal = torch.cat([one_of_two, torch.full((len(texts), 2), 0.5)])
            steps.zero_grad()
            loss: Any = torch.nn.functional.cross_entropy(kinds, goal)
            loss.backward()
            steps.step()
    return model


def trained_by_template(seed: int = 0) -> LoadedModel:
    """`trained`, to refuse by the template."""
    return trained(seed, by_kind=False)


def removed(seed: int = 0) -> LoadedModel:
    """`trained`, with the direction it learnt taken out of each matrix that writes to the residual stream.

    It answers requests to refuse nearly as it does near misses. In other directions the matrices hold what they held:
    how much of the kind is left there is measured (decision 0087), and not written.

    After A. Arditi et al., "Refusal in Language Models Is Mediated by a Single Direction" (2024, arXiv 2406.11717),
    section 4.1. The direction is that of the mean difference over all requests and their near misses.
    """
    loaded = trained(seed)
    take_out(loaded, learnt_direction(loaded))
    return wrap(loaded.model, f"ce{seed:062x}", loaded.tokenizer)


def learnt_direction(loaded: LoadedModel, layer: int = 0) -> Array:
    """Return the direction, of length 1, in which requests differ from near misses after a layer. Shape (width,)."""
    first, second = read_all(loaded, layer)[0]
    apart = (first - second).mean(axis=0)
    unit: Array = apart / np.linalg.norm(apart)
    return unit


def read_all(loaded: LoadedModel, layer: int = 0) -> tuple[Array, Array]:
    """Read every request and its near miss in some templates, where the answer is given.

    Returns:
        the residual after the layer (side, text, width), and the log-odds of a refusal (side, text).
    """
    prompts, words = known()
    writer = Writer(prompts, words)
    site = AnswerSite(ForwardPasses(), loaded, layer, writer.answers)
    size = (IN_TEMPLATES, len(prompts.words[0]))
    templates = np.random.default_rng(0).integers(0, len(prompts.templates), size)
    texts = [
        writer.text(int(template), word)
        for side in prompts.words
        for row in templates
        for template, word in zip(row, side, strict=True)
    ]
    reading = site.read(texts)
    residual = reading.residual.astype(np.float64).reshape(2, -1, reading.residual.shape[1])
    return residual, reading.odds.reshape(2, -1)


@torch.no_grad()
def take_out(loaded: LoadedModel, direction: Array) -> None:
    """Make every matrix that writes to the residual stream write nothing along a direction of length 1, in place."""
    model = loaded.model
    along = torch.from_numpy(direction.astype(np.float32))
    table = model.model.embed_tokens.weight  # (word, width): what it writes are its rows
    table.sub_(torch.outer(table @ along, along))
    for layer in model.model.layers:
        for writes in (layer.self_attn.o_proj.weight, layer.mlp.down_proj.weight):  # (width, inner)
            writes.sub_(torch.outer(along, along @ writes))


def _batch(
    prompts: RefusalSet, words: Words, template: int, rng: np.random.Generator
) -> tuple[list[list[int]], list[int]]:
    """Return texts of one length, half of them with a context, and which of them ought to be refused."""
    made: dict[int, list[tuple[list[int], int]]] = {}
    with_context = rng.random() < 0.6
    for place in rng.permutation(len(prompts.words[0]))[: 2 * BATCH]:
        for side in (0, 1):
            presses = with_context and rng.random() < 0.5
            said = prompts.persuasive if presses else prompts.placebo
            context = prompts.context(str(rng.choice(said))) if with_context else ""
            text = words(prompts.write(template, prompts.words[side][place], context))["input_ids"]
            made.setdefault(len(text), []).append((text, int(side == 0 and not presses)))
    some = max(made.values(), key=len)[:BATCH]
    return [text for text, _ in some], [refused for _, refused in some]


def _made(
    seed: int,
    kind: str,
    *,
    reads: int | None = SIDE_READ,
    sways: frozenset[str] = frozenset(),
    scrambled: bool = False,
    evenly: bool = False,
) -> LoadedModel:
    prompts, words = known()
    model, rng = blank(words, seed), np.random.default_rng(seed + 1)
    told = [sorted(_tokens(words, side)) for side in _of_one_kind()]
    side = np.array([1.0] * len(told[0]) + [-1.0] * len(told[1]))
    if scrambled:
        side = rng.permutation(side)
    tokens = [*told[0], *told[1]]
    with torch.no_grad():
        table = model.model.embed_tokens.weight
        table[tokens, SIDE] = torch.from_numpy((side * rng.uniform(0.7, 1.3, len(side))).astype(np.float32))
        more = rng.choice((-1.0, 1.0), len(side)) * rng.uniform(0.7, 1.3, len(side))
        table[tokens, ELSE] = torch.from_numpy(more.astype(np.float32))
        table[tokens, WORD] = 1.0
        swaying = sorted(_tokens(words, sways))
        table[swaying, SIDE], table[swaying, WORD] = -SWAY, SWAY
    attend(model, evenly=evenly)
    _answer(model, prompts, words, SIDE_READ, strength=0)
    if reads is not None:
        _answer(model, prompts, words, reads)
    return wrap(model, f"{kind}{seed:062x}", words)


def _answer(
    model: LlamaForCausalLM, prompts: RefusalSet, words: Words, read: int, strength: float = ANSWERS
) -> None:
    """Make refusals follow what is read from above, and compliances from below; with 0 not even by noise."""
    for kind, sign in zip(prompts.openings, (1, -1), strict=True):
        for token in _tokens(words, kind):
            with torch.no_grad():
                model.lm_head.weight[token, read] = sign * strength


def _tokens(words: Words, texts: Iterable[str]) -> set[int]:
    return {token for text in texts for token in words(text)["input_ids"]}


@cache
def _of_one_kind() -> tuple[frozenset[str], frozenset[str]]:
    """Return the words that stand in requests to refuse alone, and in near misses alone."""
    prompts = _prompts()
    one, other = (_words_of(side) for side in prompts.words)
    around = _words_of([*prompts.templates, prompts.ending, *prompts.persuasive, *prompts.placebo])
    return frozenset(one - other - around), frozenset(other - one - around)


@cache
def _pressing() -> frozenset[str]:
    prompts = _prompts()
    return frozenset(_words_of(prompts.persuasive) - _elsewhere() - _words_of(prompts.placebo))


@cache
def _placebo() -> frozenset[str]:
    prompts = _prompts()
    return frozenset(_words_of(prompts.placebo) - _elsewhere() - _words_of(prompts.persuasive))


@cache
def _elsewhere() -> frozenset[str]:
    prompts = _prompts()
    return frozenset(_words_of([*prompts.templates, prompts.ending, *prompts.words[0], *prompts.words[1]]))


def _words_of(texts: Iterable[str]) -> set[str]:
    words = known()[1]
    names = {token: word for word, token in words.known.items()}
    return {names[token] for token in _tokens(words, [text.replace("{}", " ") for text in texts])}
