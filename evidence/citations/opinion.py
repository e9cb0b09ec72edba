"""A second opinion on a sentence that no rule calls idle: does it read like something that is stated?

The rules of `evidence.citations.idle` know the openings of idle sentences that somebody thought of. What people say
idly has no end, so a weight was learnt for each word, pair of words and sign of structure from labelled sentences
(`python -m bench.train_opinion` writes `words/opinion.txt`): the sum of a sentence's weights is its opinion. Weights
are whole thousandths, so that the sum is the same on every machine and in every order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from evidence.citations.common_words import count_named
from evidence.citations.idle import speaks_of_itself
from evidence.citations.words import read_weights

_TOKEN: Final = re.compile(r"[a-z]+(?:['’][a-z]+)*|\d+|[?!:,.;$%€£]")
_HAN_TOKEN: Final = re.compile(r"[\u3400-\u9fff]|\d+|[？！：，。；、]")
_HAN: Final = re.compile(r"[\u3400-\u9fff]")
_SIGNS: Final = {
    "mine": re.compile(r"\b(?:[Mm]y|me)\b"),
    "you": re.compile(r"\b(?:you|your|yours)\b|[您你]", re.IGNORECASE),
    "we": re.compile(r"\b(?:we|our|us)\b|我们", re.IGNORECASE),
    "perhaps": re.compile(r"\b(?:may|might|could|would|perhaps|maybe)\b|可能|或许|也许|不妨", re.IGNORECASE),
    "name": re.compile(r"(?<=[a-z,] )[A-Z][A-Za-z]+"),
    "exclaims": re.compile(r"[!！]"),
}
"""Signs of structure: who speaks of whom, and how."""

_PER_WORD: Final = {False: 6.0, True: 1.6}  # characters a word takes, English and Chinese
_MOST_NAMED: Final = 6  # words beyond those of conversation that are told apart
_LONGEST: Final = 5  # steps of three words in which a sentence's length is told
_WEIGHTS: Final = read_weights("opinion")  # thousandths
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
    known = _WEIGHTS
    return sum([known[name] for name in features(sentence, kinds) if name in known])


def features(sentence: str, kinds: tuple[str, ...] = ()) -> frozenset[str]:
    """Return the names of what a sentence shows: words, pairs of words, its first ones, signs, kinds, and length."""
    return frozenset(_features(sentence, kinds))


def _features(sentence: str, kinds: tuple[str, ...]) -> Iterator[str]:
    chinese = _HAN.search(sentence) is not None
    if chinese:
        yield "chinese"
        yield from _of_words(_HAN_TOKEN.findall(sentence), joint="")
    yield from _of_words(_TOKEN.findall(sentence.lower()), joint="_")
    yield from (f"kind:{kind}" for kind in kinds)
    yield from (f"sign:{name}" for name, pattern in _SIGNS.items() if pattern.search(sentence))
    yield f"names:{min(count_named(sentence), _MOST_NAMED)}"
    yield f"length:{min(int(len(sentence) / _PER_WORD[chinese] // 3), _LONGEST)}"
    if speaks_of_itself(sentence):
        yield "sign:I"
    yield "always"


def _of_words(found: list[str], *, joint: str) -> list[str]:
    tokens = ["#" if one.isdigit() else one for one in found]
    pairs = [f"{one}{joint}{other}" for one, other in pairwise(tokens)]
    return [*tokens, *pairs, f"^{joint.join(tokens[:1])}", f"^{joint.join(tokens[:2])}"]
