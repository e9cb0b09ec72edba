"""Pairs of texts that differ in the words of one side for those of the other, of equal length in the model's tokens.

Each word stands in one pair and each template in one, and both are split: what is fitted on one half has seen neither a
template nor a word of the other. So a pair is a cluster by itself, and no word is shared by two of them.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np

from interpret.errors import ClaimRefused, PairsUnequal, StructureUntold
from interpret.probes.directions.prompt_sets import PairSet

LEAST_PAIRS: Final = 20  # in each half: as many clusters as a verdict asks for
MAX_TOKENS: Final = 160  # a text
Answers: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Pair:
    """One template with a word of each side, and with another word of the same side in the place of each.

    Attributes:
        texts: tokens of the first side, the second, and of the same with other words of their own side.
        words: of both sides.
    """

    template: int
    words: tuple[str, str]
    texts: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]]

    @property
    def cluster(self) -> str:
        """Return the template's name."""
        return f"template {self.template + 1}"

    def digest(self) -> str:
        """SHA-256 of both sides' tokens."""
        return hashlib.sha256(repr(self.texts[:2]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Material:
    """Pairs to fit on and pairs to report on.

    Attributes:
        answers: of either kind, the first tokens in which the answers differ.
        left_out: how many words have no partner of their length.
    """

    fit: tuple[Pair, ...]
    report: tuple[Pair, ...]
    answers: Answers
    left_out: int

    def __post_init__(self) -> None:
        check_apart(self.fit, self.report)


def check_apart(fit: Iterable[Pair], report: Iterable[Pair]) -> None:
    """Refuse splits that share a template or a word.

    Raises:
        ClaimRefused: naming the first.
    """
    templates = {pair.cluster for pair in fit}, {pair.cluster for pair in report}
    words = {word for pair in fit for word in pair.words}, {word for pair in report for word in pair.words}
    for what, (one, other) in (("template", templates), ("word", words)):
        if both := sorted(one & other):
            raise ClaimRefused(
                f"{both[0]} is in both splits: what was fitted on a {what} is reported on another"
            )


def pair_up(prompts: PairSet, tokenizer: Any, pairs: int, *, seed: int, again: int) -> Material:
    """Return the pairs that the model's tokenizer allows; the second seed's (`again` 1) have their words exchanged.

    Raises:
        StructureUntold: there is no tokenizer, it does not know a word, or answers of both kinds are the same to it.
        PairsUnequal: fewer than `LEAST_PAIRS` in a half are of equal length.
    """
    if tokenizer is None:
        raise StructureUntold("the model has no tokenizer: it cannot be told what is written")
    writer = Writer(prompts, tokenizer)
    rng = np.random.default_rng(seed)
    templates = [int(place) for place in rng.permutation(len(prompts.templates))]
    half = len(templates) // 2
    of_words = _halves(prompts, tokenizer, rng)
    made = [
        writer.pairs(templates[start : start + half], of_words[which ^ again])[: pairs // 2]
        for which, start in ((0, 0), (1, half))
    ]
    for some in made:
        if len(some) < LEAST_PAIRS:
            raise PairsUnequal(
                f"{prompts.name}: of {len(prompts.words[0])} and {len(prompts.words[1])} words, {len(some)} pairs in a"
                f" half are of equal length in this model's tokens: {LEAST_PAIRS} are needed"
            )
    used = sum(map(len, made))
    left_out = min(map(len, prompts.words)) - used
    return Material(tuple(made[0]), tuple(made[1]), writer.answers, max(0, left_out))


@dataclass(frozen=True, slots=True)
class _Words:
    """A word of each side, of equal length, and another of the same side and length beside each."""

    words: tuple[str, str]
    others: tuple[str, str]


def _halves(prompts: PairSet, tokenizer: Any, rng: np.random.Generator) -> list[list[_Words]]:
    """Pair words of equal length and share them out; within a half, each has another of its length beside it."""
    by_length = [defaultdict[int, list[str]](list), defaultdict[int, list[str]](list)]
    for side, words in enumerate(prompts.words):
        for word in rng.permutation(words):
            by_length[side][_length(prompts, tokenizer, str(word))].append(str(word))
    halves = [list[_Words](), list[_Words]()]
    for length in sorted(by_length[0]):
        found = _side_by_side(prompts, by_length[0][length], by_length[1][length])
        for which in (0, 1):
            own = found[which::2]
            if len(own) > 1:  # one alone has no other beside it
                halves[which] += [_Words(each, own[(i + 1) % len(own)]) for i, each in enumerate(own)]
    return [[half[i] for i in rng.permutation(len(half))] for half in halves]


def _side_by_side(prompts: PairSet, first: Sequence[str], second: Sequence[str]) -> list[tuple[str, str]]:
    """Pair words of one length: each with its own beside it where they are `matched`, the rest in the order given."""
    beside = dict(zip(*prompts.words, strict=True)) if prompts.matched else {}
    own = [(word, beside[word]) for word in first if beside.get(word) in second]
    paired = {word for both in own for word in both}
    rest = ([word for word in words if word not in paired] for words in (first, second))
    return [*own, *zip(*rest, strict=False)]


def _length(prompts: PairSet, tokenizer: Any, word: str) -> int:
    return len(encode(tokenizer, prompts.label + word))


class Writer:
    """Writes texts and pairs as tokens, up to where the answers part."""

    def __init__(self, prompts: PairSet, tokenizer: Any) -> None:
        self._prompts, self._tokenizer = prompts, tokenizer
        self.answers = self._write(0, prompts.words[0][0], "")[1]

    def pairs(self, templates: Sequence[int], words: Sequence[_Words]) -> list[Pair]:
        """Return a pair a template; words that are of unlike length in it go to none."""
        made, left = list[Pair](), list(templates)
        for each in words:
            if not left:
                break
            texts = [self.text(left[0], word) for word in (*each.words, *each.others)]
            if len({len(text) for text in texts}) == 1:
                made.append(Pair(left.pop(0), each.words, (texts[0], texts[1], texts[2], texts[3])))
        return made

    def text(self, template: int, word: str, context: str = "") -> tuple[int, ...]:
        """Return a text's tokens, with what all answers begin with."""
        return self._write(template, word, context)[0]

    def _write(self, template: int, word: str, context: str) -> tuple[tuple[int, ...], Answers]:
        """Return a text's tokens, with what all answers begin with, and the tokens in which they part."""
        text, openings = self._prompts.write(template, word, context), self._prompts.openings
        written = [[encode(self._tokenizer, text + answer) for answer in kind] for kind in openings]
        every = [tokens for kind in written for tokens in kind]
        same = next((i for i, at in enumerate(zip(*every, strict=False)) if len(set(at)) > 1), None)
        if same is None:
            named = " and ".join(answer for kind in openings for answer in kind)
            raise StructureUntold(f"to this tokenizer {named} are one answer")
        if same > MAX_TOKENS:
            raise StructureUntold(f"the tokenizer makes {same} tokens of a text: {MAX_TOKENS} are read")
        return tuple(every[0][:same]), _apart(
            openings, [{tokens[same] for tokens in kind} for kind in written]
        )


def _apart(openings: tuple[tuple[str, ...], tuple[str, ...]], tokens: Sequence[set[int]]) -> Answers:
    """Return the tokens of each kind that answers of the other do not begin with."""
    both = tokens[0] & tokens[1]
    for kind, own in zip(openings, tokens, strict=True):
        if not own - both:
            raise StructureUntold(f"to this tokenizer {', '.join(kind)} begin as the other answers do")
    return tuple(sorted(tokens[0] - both)), tuple(sorted(tokens[1] - both))


def encode(tokenizer: Any, text: str) -> list[int]:
    """Return a text's tokens.

    Raises:
        StructureUntold: the tokenizer does not know a word of it.
    """
    ids: list[int] = tokenizer(text)["input_ids"]
    if getattr(tokenizer, "unk_token_id", None) in ids:
        raise StructureUntold(f"the tokenizer does not know every word of {text!r}")
    return ids


def counts_of(pairs: Sequence[Pair]) -> list[list[Counter[str]]]:
    """Return what the text alone tells of each side: its tokens, letters and length, counted."""
    return [
        [
            Counter([f"token {token}" for token in text])
            + Counter([f"letter {letter}" for letter in word.lower()])
            + Counter({"letters": len(word)})
            for text, word in zip(pair.texts[:2], pair.words, strict=True)
        ]
        for pair in pairs
    ]
