"""Models that answer a copilot's question, and what of an attribute they hold and use: written into their weights.

All are two layers of a real LLaMA whose words are those of a prompt set; two kinds are trained. In the others, where
the answer is given, after the last colon, head 0.0 attends to the word that the sides differ in and carries two things
that the word has: its side, and something else that goes with no side. The answer reads one of them, or none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from interpret.probes.directions.prompt_sets import PairSet
from interpret.probes.proxies.prompt_sets import read_prompt_set
from interpret.probes.sites import Head
from interpret.probes.weights import LoadedModel
from tests.probes.zoo.parts import THETA, kill, small_llama, wrap
from tests.probes.zoo.words import Words as WordsOf

PROMPTS: Final = "credit-gender-en"
HEAD: Final = Head(0, 0)
WIDTH, HEAD_WIDTH, HEADS = 96, 32, 2
SPREAD = 60  # the first coordinates: noise of each word's own
SIDE, ELSE, WORD, CUE, SIDE_READ, ELSE_READ = 64, 65, 66, 67, 68, 69  # coordinates of the residual
SLOW = 12  # a rotary pair that does not turn: what is matched there is content
LOUD = 0.3  # standard deviation of weights: the log-odds of two words differ by nats
STEPS, BATCH, STEP = 250, 16, 3e-3  # of the training
ANSWERS = 0.25  # how much of what is read goes to each answer


class Vocabulary(WordsOf):
    """Knows what stands in the places of templates, too, and reads templates."""

    def _plain(self, text: str) -> str:
        return text

    def _words(self, text: str) -> list[str]:
        return super()._words(text.replace("{", " ").replace("}", " "))


class Words(Vocabulary):
    """A tokenizer that makes one token of each word of a prompt set."""

    def __init__(self, prompts: PairSet, more: Sequence[str] = ()) -> None:
        """Know the words of all texts and answers, and of some more."""
        answers = [answer for kind in prompts.openings for answer in kind]
        texts = [*prompts.templates, prompts.ending, prompts.label, *answers, *prompts.words[0]]
        super().__init__([*texts, *prompts.words[1], *more])


def using(seed: int = 0) -> LoadedModel:
    """Holds which side the word is of, and answers by it."""
    model, words, _ = _blank(seed)
    _give_sides(model, words, seed)
    attend(model)
    _answer(model, words, SIDE_READ)
    return _wrap(model, words, "a1", seed)


def holding(seed: int = 0) -> LoadedModel:
    """Holds which side the word is of, and answers by nothing of it."""
    model, words, _ = _blank(seed)
    _give_sides(model, words, seed)
    attend(model)
    _answer(model, words, SIDE_READ, strength=0)
    return _wrap(model, words, "a2", seed)


def using_else(seed: int = 0) -> LoadedModel:
    """Holds which side the word is of, and answers by something else that words have, on either side alike."""
    model, words, _ = _blank(seed)
    _give_sides(model, words, seed)
    attend(model)
    _answer(model, words, SIDE_READ, strength=0)
    _answer(model, words, ELSE_READ)
    return _wrap(model, words, "a3", seed)


def scrambled(seed: int = 0) -> LoadedModel:
    """`using`, with the sides exchanged in words drawn at random: what it holds and uses is no attribute."""
    model, words, rng = _blank(seed)
    _give_sides(model, words, seed, signs=rng.choice((-1.0, 1.0), 400))
    attend(model)
    _answer(model, words, SIDE_READ)
    return _wrap(model, words, "a4", seed)


def any_order(seed: int = 0) -> LoadedModel:
    """Answers by the side of a word that stands anywhere, however it stands: the same tokens in another order do."""
    model, words, _ = _blank(seed)
    _give_sides(model, words, seed)
    attend(model, evenly=True)
    _answer(model, words, SIDE_READ)
    return _wrap(model, words, "a5", seed)


def by_template(seed: int = 0) -> LoadedModel:
    """Answers by the words around, and holds nothing of the word that the sides differ in."""
    model, words, rng = _blank(seed)
    with torch.no_grad():
        others = [token for token in words.known.values() if token not in _tokens(words)]
        strength = torch.from_numpy(rng.normal(0, 1, len(others)).astype(np.float32))
        model.model.embed_tokens.weight[others, ELSE] = strength
    attend(model, evenly=True)
    _answer(model, words, ELSE_READ)
    return _wrap(model, words, "a6", seed)


def dead(seed: int = 0) -> LoadedModel:
    """`using`, with the weights shuffled inside each matrix."""
    loaded = using(seed)
    kill(loaded, seed)
    return wrap(loaded.model, f"a7{seed:062x}", loaded.tokenizer)


def untrained(seed: int = 0) -> LoadedModel:
    """Fresh random weights, so large that any word, and any step in the residual, moves the answer."""
    return loud(Words(read_prompt_set(PROMPTS)), seed, "a8")


def trained(seed: int = 0, *, by_side: bool = True) -> LoadedModel:
    """Trained by gradient descent, not written: to answer by the side of the word, or by the template around it.

    With its tokens in another order, a text is to be answered either way.
    """
    prompts = read_prompt_set(PROMPTS)
    words, rng = Words(prompts), np.random.default_rng(seed)
    answers = [words.known[answer.strip()] for answer in prompts.answers]
    both = [(side, word) for side, known in enumerate(prompts.words) for word in known]
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
            some = [both[i] for i in rng.choice(len(both), BATCH, replace=False)]
            texts = [words(prompts.write(template, word))["input_ids"] for _, word in some]
            wanted = torch.tensor([side if by_side else int(of_template[template]) for side, _ in some])
            order = torch.from_numpy(rng.permutation(len(texts[0])))
            read = torch.tensor(texts)
            logits = model(input_ids=torch.cat([read, read[:, order]])).logits[:, -1, answers]
            goal = torch.cat([torch.nn.functional.one_hot(wanted, 2).float(), torch.full((BATCH, 2), 0.5)])
            steps.zero_grad()
            loss: Any = torch.nn.functional.cross_entropy(logits, goal)
            loss.backward()
            steps.step()
    return _wrap(model, words, "b1" if by_side else "b2", seed)


def trained_by_template(seed: int = 0) -> LoadedModel:
    """`trained`, to answer by the template."""
    return trained(seed, by_side=False)


def _blank(seed: int) -> tuple[LlamaForCausalLM, Words, np.random.Generator]:
    words = Words(read_prompt_set(PROMPTS))
    return blank(words, seed), words, np.random.default_rng(seed)


def blank(words: Vocabulary, seed: int) -> LlamaForCausalLM:
    """Return a model that knows its words, each by some noise of its own, and answers by a little noise."""
    model, noise = LlamaForCausalLM(config_of(words)), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(1.0 if "norm" in name else 0.0)
            if "norm" not in name:
                weight.normal_(0, 0.01, generator=noise)
        table = model.model.embed_tokens.weight
        table[:, :SPREAD].normal_(0, 0.15, generator=noise)
        if ":" in words.known:
            table[words.known[":"], CUE] = 1.0
    return model


def loud(words: Vocabulary, seed: int, kind: str) -> LoadedModel:
    """Return a model of fresh random weights, so large that any word moves the answer."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = config_of(words)
        config.initializer_range = LOUD
        return _wrap(LlamaForCausalLM(config), words, kind, seed)


def _tokens(words: Words) -> list[int]:
    prompts = read_prompt_set(PROMPTS)
    return [words.known[word] for side in prompts.words for word in side]


def _give_sides(
    model: LlamaForCausalLM, words: Words, seed: int, signs: np.ndarray[Any, Any] | None = None
) -> None:
    """Give each word its side, more or less of it, and something else that goes with no side."""
    prompts, rng = read_prompt_set(PROMPTS), np.random.default_rng(seed + 1)
    tokens = _tokens(words)
    side = np.array([1.0] * len(prompts.words[0]) + [-1.0] * len(prompts.words[1]))
    if signs is not None:
        side = side * signs[: len(side)]
    with torch.no_grad():
        table = model.model.embed_tokens.weight
        table[tokens, SIDE] = torch.from_numpy((side * rng.uniform(0.7, 1.3, len(side))).astype(np.float32))
        table[tokens, ELSE] = torch.from_numpy(
            (rng.choice((-1.0, 1.0), len(side)) * rng.uniform(0.7, 1.3, len(side))).astype(np.float32)
        )
        table[tokens, WORD] = 1.0


def attend(model: LlamaForCausalLM, *, evenly: bool = False) -> None:
    """Make head 0.0 carry what words have to where they are read: from the word alone, or from all words so far."""
    attention = model.model.layers[0].self_attn
    with torch.no_grad():
        if not evenly:
            attention.q_proj.weight[SLOW, CUE] = 4.0
            attention.k_proj.weight[SLOW, WORD] = 4.0
        for place, (has, read) in enumerate(((SIDE, SIDE_READ), (ELSE, ELSE_READ))):
            attention.v_proj.weight[place, has] = 4.0 if evenly else 0.2
            attention.o_proj.weight[read, place] = 1.0


def _answer(model: LlamaForCausalLM, words: Words, read: int, strength: float = ANSWERS) -> None:
    """Make the answers follow what is read, the first from above, the second from below; with 0 not even by noise."""
    prompts = read_prompt_set(PROMPTS)
    for answer, sign in zip(prompts.answers, (1, -1), strict=True):
        with torch.no_grad():
            model.lm_head.weight[words.known[answer.strip()], read] = sign * strength


def _wrap(model: LlamaForCausalLM, words: Vocabulary, kind: str, seed: int) -> LoadedModel:
    return wrap(model, f"{kind}{seed:062x}", words)


def config_of(words: Vocabulary) -> LlamaConfig:
    """Return the configuration of a model that knows these words."""
    return small_llama(
        len(words.known), WIDTH, heads=HEADS, key_value_heads=HEADS, head_width=HEAD_WIDTH, theta=THETA
    )
