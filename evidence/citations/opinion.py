"""A second opinion on a sentence that no rule calls idle: does it read like something that is stated?

The rules of `evidence.citations.idle` know the openings of idle sentences that somebody thought of. What people say
idly has no end, so a weight was learnt for each word, pair of words and sign of structure from labelled sentences
(`python -m bench.train_opinion` writes `words/opinion.txt`): the sum of a sentence's weights is its opinion. Weights
are whole thousandths, so that the sum is the same on every machine and in every order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Final

from evidence.citations.common_words import count_named
from evidence.citations.idle import speaks_of_itself
from evidence.citations.words import in_small_letters, read_weights, words_of

_TOKEN: Final = re.compile(r"[a-z]+(?:['’][a-z]+)*|\d+|[?!:,.;$%€£]")
_HAN_TOKEN: Final = re.compile(r"[\u3400-\u9fff]|\d+|[？！：，。；、]")
_HAN: Final = re.compile(r"[\u3400-\u9fff]")
_NAME: Final = re.compile(r" (?<=[a-z,] )[A-Z][A-Za-z]")
_MINE: Final = re.compile(r"\b(?:[Mm]y|me)\b")
_SIGNS: Final = {
    "you": (frozenset({"you", "your", "yours"}), ("您", "你")),
    "we": (frozenset({"we", "our", "us"}), ("我们",)),
    "perhaps": (
        frozenset({"may", "might", "could", "would", "perhaps", "maybe"}), ("可能", "或许", "也许", "不妨"),
    ),
}  # fmt: skip
"""Of whom a sentence speaks, and how sure: the words of each sign, and what of Chinese stands anywhere in it."""

_PER_WORD: Final = {False: 6.0, True: 1.6}  # characters a word takes, English and Chinese
_MOST_NAMED: Final = 6  # words beyond those of conversation that are told apart
_LONGEST: Final = 5  # steps of three words in which a sentence's length is told
_WEIGHTS: Final = read_weights("opinion")  # thousandths
_WEIGHED_PAIRS: Final = {
    tuple(name.split("_")): name for name in _WEIGHTS if "_" in name and not name.startswith("^")
}
_WEAK_KINDS: Final = frozenset({"obligation", "eligibility"})  # patterns that also stand in advice and offers
OVERRULES: Final = -1_000  # thousandths: an opinion of less says that nothing is stated


def seems_idle(sentence: str, kinds: tuple[str, ...] = ()) -> bool:
    """Return whether a sentence reads like those that state nothing.

    Args:
        sentence: without its citation marks.
        kinds: of material statement whose pattern stands in it.
    """
    return may_be_overruled(kinds) and weigh(sentence, kinds) < OVERRULES


def may_be_overruled(kinds: tuple[str, ...]) -> bool:
    """Return whether an opinion counts: what holds a figure, a date or a name states something, whatever it weighs."""
    return _WEAK_KINDS.issuperset(kinds)


def weigh(sentence: str, kinds: tuple[str, ...] = ()) -> int:
    """Return how much a sentence reads like a statement, in thousandths of a logit; less than nothing: rather not."""
    shown = _features(sentence, kinds, _weighed_pairs)
    return sum([_WEIGHTS[name] for name in _WEIGHTS.keys() & shown])


def features(sentence: str, kinds: tuple[str, ...] = ()) -> frozenset[str]:
    """Return the names of what a sentence shows: words, pairs of words, its first ones, signs, kinds, and length."""
    return _features(sentence, kinds, _all_pairs)


def _features(
    sentence: str, kinds: tuple[str, ...], pairs_of: Callable[[Sequence[str]], Iterable[str]]
) -> frozenset[str]:
    chinese = not sentence.isascii() and _HAN.search(sentence) is not None
    return frozenset([
        "always",
        *(["chinese", *_of_chinese(sentence)] if chinese else ()),
        *_of_english(sentence.lower(), pairs_of),
        *[f"kind:{kind}" for kind in kinds],
        *[f"sign:{sign}" for sign in _signs_of(sentence)],
        f"names:{count_named(sentence, most=_MOST_NAMED)}",
        f"length:{min(int(len(sentence) / _PER_WORD[chinese] // 3), _LONGEST)}",
    ])  # fmt: skip


def _signs_of(sentence: str) -> list[str]:
    """Return the signs of structure: who speaks of whom, and how."""
    words = frozenset(words_of(in_small_letters(sentence)))
    is_ascii = sentence.isascii()
    signs = [
        sign
        for sign, (english, chinese) in _SIGNS.items()
        if not english.isdisjoint(words) or (not is_ascii and any(one in sentence for one in chinese))
    ]
    if ("my" in words or "me" in words) and _MINE.search(sentence):
        signs.append("mine")
    if _NAME.search(sentence):
        signs.append("name")
    if "!" in sentence or "！" in sentence:
        signs.append("exclaims")
    if speaks_of_itself(sentence):
        signs.append("I")
    return signs


def _of_chinese(sentence: str) -> list[str]:
    tokens = _tokens(_HAN_TOKEN.findall(sentence))
    return [*tokens, *map("".join, pairwise(tokens)), *(f"^{''.join(tokens[:n])}" for n in (1, 2))]


def _of_english(small: str, pairs_of: Callable[[Sequence[str]], Iterable[str]]) -> list[str]:
    tokens = _tokens(_TOKEN.findall(small))
    return [*tokens, *pairs_of(tokens), *(f"^{'_'.join(tokens[:n])}" for n in (1, 2))]


def _tokens(found: Iterable[str]) -> list[str]:
    return ["#" if one.isdigit() else one for one in found]


def _all_pairs(tokens: Sequence[str]) -> Iterable[str]:
    return map("_".join, pairwise(tokens))


def _weighed_pairs(tokens: Sequence[str]) -> Iterable[str]:
    """Return those pairs that have a weight, without a text made of each: a long sentence has hundreds."""
    return [_WEIGHED_PAIRS[pair] for pair in _WEIGHED_PAIRS.keys() & pairwise(tokens)]
