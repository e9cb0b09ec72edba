"""What is measured: models whose truth was written into their weights, and copies of a real one without any."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.probe_calibration import real
from bench.probe_calibration.copies import vary
from interpret.probes.sites import Head
from interpret.probes.weights import LoadedModel
from tests.probes.zoo import animals, proxies, readers

MATCH, COST = "induction.prefix_match", "induction.ablation_cost"
Make = Callable[[int, Path], real.Made]


@dataclass(frozen=True, slots=True)
class Kind:
    """Models of one kind, as many as one likes, and what is true of them.

    Attributes:
        make: takes a number and the model store; returns a model and the heads in which the truth is; none: a null.
        many: how many runs the page wants.
        same: whether each number gives the same model, so that its runs differ by the probe's seed alone.
        of: statistics that what is planted is true of; empty: all of the probe.
    """

    name: str
    probe: str
    parameters: Mapping[str, float | str]
    make: Make = field(repr=False)
    many: int
    says: str
    planted: bool = False
    real: bool = False  # SmolLM2: minutes a run
    same: bool = False
    of: tuple[str, ...] = ()

    def holds(self, statistic: str) -> bool:
        """Whether there is something of this statistic to find."""
        return self.planted and (not self.of or statistic in self.of)


def _null(make: Callable[[], LoadedModel], number: int, store: Path) -> real.Made:
    del store
    return vary(make(), number)[0], frozenset()


def _seeded(make: Callable[[int], LoadedModel], number: int, store: Path) -> real.Made:
    del store
    return make(number), frozenset()


def _planted(make: Callable[[], LoadedModel], heads: tuple[Head, ...], number: int, store: Path) -> real.Made:
    del store
    loaded, places = vary(make(), number)
    return loaded, frozenset(places[head] for head in heads)


def _as_it_is(number: int, store: Path) -> real.Made:
    del number, store
    return animals.induction(), frozenset({animals.INDUCTION})


SMALL: Final = {"sequences": 40, "length": 32, "heads": 1, "control_draws": 19, "permutations": 199}
TWO: Final = {**SMALL, "heads": 2}
NULL: Final = {
    **SMALL,
    "control_draws": 39,
}  # 2 / 40 = 0.05: a first rank survives the correction over both tests
REAL: Final = {"sequences": 40, "length": 16, "heads": 1, "control_draws": 39, "permutations": 999}
INDUCTION: Final = "induction.heads"
PATTERNS: Final = "attention.patterns"
PROXIES: Final = "attribute.proxies"
# 3 / 60 = 0.05: a first rank among the directions survives the correction over the three tests by itself.
SMALL_PROXIES: Final[Mapping[str, float | str]] = {
    "prompt_set": proxies.PROMPTS,
    "control_draws": 59,
    "permutations": 199,
}
DECODABLE, REMOVAL, REINJECTION = "proxies.decodable", "proxies.removal", "proxies.reinjection"
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


def _kind(name: str, many: int, make: Make, says: str, **more: Any) -> Kind:
    parameters = more.pop("parameters", SMALL if more.get("planted") else NULL)
    return Kind(name, INDUCTION, parameters, make, many, says, **more)


def _real(name: str, many: int, make: Make, says: str) -> Kind:
    return _kind(name, many, make, says, parameters=REAL, real=True)


def _pattern(name: str, many: int, make: Make, says: str, sets: int = 2, **more: Any) -> Kind:
    parameters = {**SMALL_PATTERNS, "control_draws": sets}
    return Kind(f"patterns: {name}", PATTERNS, parameters, make, many, says, **more)


def _reader(name: str, many: int, make: Callable[[int], LoadedModel], says: str, *of: str) -> Kind:
    of_one = partial(_planted, partial(make, BESIDE_READING[0]), (readers.HEAD,))
    return _pattern(name, many, of_one, says, sets=BESIDE_READING[1], planted=True, of=of)


def _near_miss(name: str, make: Callable[[int], LoadedModel], says: str) -> Kind:
    """Return one that reads amiss, beside a head that attends to the word before: null but for that."""
    both = partial(_planted, partial(_beside_previous, make), (readers.PREVIOUS,))
    says = f"attends to {says}, and another head to the word before"
    return _pattern(name, 4, both, says, sets=BESIDE_READING[1], planted=True, of=(PREVIOUS,))


def _beside_previous(make: Callable[[int], LoadedModel]) -> LoadedModel:
    return readers.beside_previous(make(BESIDE_READING[0]))


def _untrained(seed: int) -> LoadedModel:
    return animals.random(seed, ALONE[0], NARROW)


def _untrained_reader(seed: int) -> LoadedModel:
    return animals.random(seed, ALONE_READING[0], NARROW, readers.Tokens())


def _proxy(name: str, many: int, make: Callable[[int], LoadedModel], says: str, **more: Any) -> Kind:
    of_number = partial(_holding if more.get("planted") else _seeded, make)
    return Kind(f"proxies: {name}", PROXIES, SMALL_PROXIES, of_number, many, says, **more)


def _holding(make: Callable[[int], LoadedModel], number: int, store: Path) -> real.Made:
    del store
    return make(number), frozenset({proxies.HEAD})


def _first_user(number: int) -> LoadedModel:
    del number
    return proxies.using()


_BOTH: Final = (animals.INDUCTION, animals.SECOND)
KINDS: Final = (
    _kind("never trained", 40, partial(_seeded, animals.random), "fresh random weights"),
    _kind("dead", 40, partial(_seeded, animals.dead), "a true circuit, its weights shuffled inside each matrix"),
    _kind("cache", 24, partial(_null, animals.cache), "speaks for every word so far, which helps where text repeats"),
    _kind("sink", 24, partial(_null, animals.sink), "attends to the first token, always"),
    _kind("position", 24, partial(_null, animals.position), "copies from 11 tokens back, whatever the words"),
    _kind("duplicate", 24, partial(_null, animals.duplicate), "attends to the same word and says it again"),
    _kind("previous", 24, partial(_null, animals.previous), "attends to the word before; nothing looks for its note"),
    _real("SmolLM2, dead", 8, real.dead, "the real model, its weights shuffled inside each matrix"),
    _real("SmolLM2, permuted", 6, real.permuted, "the real model, the rows of each matrix in another order"),
    _real("SmolLM2, shuffled", 6, real.shuffled, "the real model; what it reads is shuffled, so that nothing repeats"),
    _kind(
        "induction", 30, partial(_planted, animals.induction, (animals.INDUCTION,)),
        "the circuit, with noise in the weights, its heads anywhere", planted=True,
    ),
    _kind(
        "twins", 20, partial(_planted, animals.twins, _BOTH), "the circuit's second head twice; both are asked for",
        parameters=TWO, planted=True,
    ),
    _kind("induction, same model", 30, _as_it_is, "one model, other sequences each time", planted=True, same=True),
    _pattern(
        "never trained", 40, partial(_seeded, _untrained), "fresh random weights", sets=ALONE[1],
    ),
    _pattern(
        "never trained, reads", 30, partial(_seeded, _untrained_reader), "the same, with a tokenizer",
        sets=ALONE_READING[1],
    ),
    _pattern(
        "dead", 15, partial(_seeded, partial(animals.dead, heads=ALONE[0])),
        "a true circuit, its weights shuffled inside each matrix", sets=ALONE[1],
    ),
    _pattern(
        "two before", 12, partial(_null, partial(animals.position, 2, ALONE[0])), "attends two words back and copies",
        sets=ALONE[1],
    ),
    _pattern(
        "cache", 12, partial(_null, partial(animals.cache, 1.0, ALONE[0])), "attends to all words so far",
        sets=ALONE[1],
    ),
    _pattern("sink", 12, partial(_null, animals.sink), "attends to the first token, always"),
    _pattern("SmolLM2, dead", 4, real.dead, "the real model, its weights shuffled inside each matrix", real=True),
    _pattern(
        "SmolLM2, permuted", 4, real.permuted, "the real model, the rows of each matrix in another order", real=True,
    ),
    _pattern(
        "previous, unread", 10, partial(_planted, partial(animals.previous, BESIDE[0]), (animals.PREVIOUS,)),
        "attends to the word before; nothing looks for its note", sets=BESIDE[1], planted=True, of=(PREVIOUS,),
    ),
    _pattern(
        "induction", 20, partial(_planted, partial(animals.induction, BESIDE[0]), (animals.PREVIOUS,)),
        "what notes the word before for whoever copies", sets=BESIDE[1], planted=True, of=(PREVIOUS, PREVIOUS_COST),
    ),
    _pattern(
        "duplicate", 20, partial(_planted, animals.duplicate, (animals.INDUCTION,)),
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
    _proxy("never trained", 40, proxies.untrained, "fresh random weights, so large that any word moves the answer"),
    _proxy("dead", 15, proxies.dead, "one that uses the side, its weights shuffled inside each matrix"),
    _proxy("labels permuted", 25, proxies.scrambled, "holds and uses what goes with no side"),
    _proxy("any order", 15, proxies.any_order, "uses the side of a word, in whatever order its tokens stand"),
    _proxy("template", 12, proxies.by_template, "answers by the words around"),
    _proxy("trained, template", 6, proxies.trained_by_template, "trained to answer by the template"),
    _proxy(
        "held, unused", 15, proxies.holding, "holds the side; the answer reads nothing of it",
        planted=True, of=(DECODABLE,),
    ),
    _proxy(
        "something else used", 28, proxies.using_else, "holds the side; the answer reads something else of the word",
        planted=True, of=(DECODABLE,),
    ),
    _proxy("used", 30, proxies.using, "holds the side, and the answer reads it", planted=True),
    _proxy(
        "trained", 10, proxies.trained, "trained to answer by the side, and in another order by nothing",
        planted=True,
    ),
    _proxy("used, same model", 20, _first_user, "one model, other pairs each time", planted=True, same=True),
)  # fmt: skip


def statistics_of(probe: str) -> tuple[str, ...]:
    """Return the statistics of a probe that claim something."""
    of_patterns = (PREVIOUS, PREVIOUS_COST, DUPLICATE, BRACKET, BRACKET_COST, SUBJECT, SUBJECT_COST)
    of_proxies = (DECODABLE, REMOVAL, REINJECTION)
    return {INDUCTION: (MATCH, COST), PATTERNS: of_patterns, PROXIES: of_proxies}[probe]
