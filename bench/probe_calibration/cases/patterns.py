"""Attention patterns: each planted beside its near misses."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from bench.probe_calibration import real
from bench.probe_calibration.cases.kind import Kind, Make, null, planted, seeded
from interpret.probes.weights import LoadedModel
from tests.probes.zoo import animals, readers

PATTERNS: Final = "attention.patterns"
SMALL_PATTERNS: Final = {"texts": 40, "length": 32, "heads": 1, "permutations": 199}
# A rank among k random sets is p = 1 / (k + 1), which must survive the correction over all tests of a run, or nothing
# false could show: 3 tests without a tokenizer, 7 with one. Where the attention is there beside it, at p = 1 / 200, the
# rank counts half as much. So many sets of one head are drawn from so many heads a layer.
ALONE: Final = (30, 59)  # heads, sets: 3 / 60 = 0.05
ALONE_READING: Final = (70, 139)  # 7 / 140 = 0.05
BESIDE: Final = (30, 29)  # 3 / 2 / 30 = 0.05, all of one layer: whoever reads in the next matters as much
BESIDE_READING: Final = (36, 69)  # 7 / 2 / 70 = 0.05
NARROW: Final = 16  # numbers a head, of those never trained: so that 140 heads are cheap
PREVIOUS, PREVIOUS_COST = "patterns.previous_token", "patterns.previous_token_cost"
DUPLICATE = "patterns.duplicate_token"
BRACKET, BRACKET_COST = "patterns.bracket_match", "patterns.bracket_match_cost"
SUBJECT, SUBJECT_COST = "patterns.sentence_subject", "patterns.sentence_subject_cost"
STATISTICS: Final = (PREVIOUS, PREVIOUS_COST, DUPLICATE, BRACKET, BRACKET_COST, SUBJECT, SUBJECT_COST)


def _pattern(name: str, many: int, make: Make, says: str, sets: int = 2, **more: Any) -> Kind:
    parameters = {**SMALL_PATTERNS, "control_draws": sets}
    return Kind(f"patterns: {name}", PATTERNS, parameters, make, many, says, **more)


def _reader(name: str, many: int, make: Callable[[int], LoadedModel], says: str, *of: str) -> Kind:
    of_one = partial(planted, partial(make, BESIDE_READING[0]), (readers.HEAD,))
    return _pattern(name, many, of_one, says, sets=BESIDE_READING[1], planted=True, of=of)


def _near_miss(name: str, make: Callable[[int], LoadedModel], says: str) -> Kind:
    """Return one that reads amiss, beside a head that attends to the word before: null but for that."""
    both = partial(planted, partial(_beside_previous, make), (readers.PREVIOUS,))
    says = f"attends to {says}, and another head to the word before"
    return _pattern(name, 4, both, says, sets=BESIDE_READING[1], planted=True, of=(PREVIOUS,))


def _beside_previous(make: Callable[[int], LoadedModel]) -> LoadedModel:
    return readers.beside_previous(make(BESIDE_READING[0]))


def _untrained(seed: int) -> LoadedModel:
    return animals.random(seed, ALONE[0], NARROW)


def _untrained_reader(seed: int) -> LoadedModel:
    return animals.random(seed, ALONE_READING[0], NARROW, readers.Tokens())


KINDS: Final = (
    _pattern(
        "never trained", 40, partial(seeded, _untrained), "fresh random weights", sets=ALONE[1],
    ),
    _pattern(
        "never trained, reads", 180, partial(seeded, _untrained_reader), "the same, with a tokenizer",
        sets=ALONE_READING[1],
    ),
    _pattern(
        "dead", 15, partial(seeded, partial(animals.dead, heads=ALONE[0])),
        "a true circuit, its weights shuffled inside each matrix", sets=ALONE[1],
    ),
    _pattern(
        "two before", 12, partial(null, partial(animals.position, 2, ALONE[0])), "attends two words back and copies",
        sets=ALONE[1],
    ),
    _pattern(
        "cache", 12, partial(null, partial(animals.cache, 1.0, ALONE[0])), "attends to all words so far",
        sets=ALONE[1],
    ),
    _pattern("sink", 12, partial(null, animals.sink), "attends to the first token, always"),
    _pattern("SmolLM2, dead", 10, real.dead, "the real model, its weights shuffled inside each matrix", real=True),
    _pattern(
        "SmolLM2, permuted", 10, real.permuted, "the real model, the rows of each matrix in another order", real=True,
    ),
    _pattern(
        "previous, unread", 10, partial(planted, partial(animals.previous, BESIDE[0]), (animals.PREVIOUS,)),
        "attends to the word before; nothing looks for its note", sets=BESIDE[1], planted=True, of=(PREVIOUS,),
    ),
    _pattern(
        "induction", 20, partial(planted, partial(animals.induction, BESIDE[0]), (animals.PREVIOUS,)),
        "what notes the word before for whoever copies", sets=BESIDE[1], planted=True, of=(PREVIOUS, PREVIOUS_COST),
    ),
    _pattern(
        "duplicate", 20, partial(planted, animals.duplicate, (animals.INDUCTION,)),
        "attends to the same word", planted=True, of=(DUPLICATE,),
    ),
    _near_miss("nearest of the kind", readers.nearest_of_kind, "the last bracket of the kind"),
    _near_miss("nearest bracket", readers.nearest_bracket, "the last bracket of any kind"),
    _near_miss("nearest noun", readers.nearest_noun, "the last noun"),
    _near_miss("first noun", readers.first_noun, "the first noun"),
    _reader("bracket, unread", 5, readers.partner, "attends to what is closed; nothing reads it", BRACKET),
    _reader("bracket closed", 20, readers.closer, "foretells what closes the innermost", BRACKET, BRACKET_COST),
    _reader("subject, unread", 5, readers.subject, "attends to the subject; nothing reads it", SUBJECT),
    _reader("subject", 20, readers.teller, "foretells was of one and were of many", SUBJECT, SUBJECT_COST),
)  # fmt: skip
