"""What is true of each animal, as data: where it looks, whether it copies, and what induction findings must say.

A status is expected of a finding whatever computes it. Two of them stand where both are honest: that the effect is
bounded below the smallest that matters, and that it cannot be told. That ablating heads costs nothing is never absence:
another may do the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from interpret.contracts import Status
from interpret.probes.one_pass import Ids
from interpret.probes.sites import Head
from interpret.probes.weights import LoadedModel
from tests.probes.zoo import animals, deception, drift, facts, hallucination, paths, proxies, readers, refusal

Pattern = NDArray[np.float64]  # (query, key), rows sum to 1; a row of NaN is not said

SUPPORTED: Final = frozenset({Status.SUPPORTED})
INCONCLUSIVE: Final = frozenset({Status.INCONCLUSIVE})
NOT_SUPPORTED: Final = frozenset({Status.NOT_SUPPORTED})
NOT_CLAIMED: Final = INCONCLUSIVE | {Status.NOT_SUPPORTED}

MATCH, COST = "induction.prefix_match", "induction.ablation_cost"


@dataclass(frozen=True, slots=True)
class Truth:
    """One animal and what holds for it.

    Attributes:
        looks: head -> the attention it must have, from one text's words alone.
        copies: whether it continues a random text that repeats.
        heads: how many heads the probe is asked to find.
        expected: statistic -> the statuses that may be given.
    """

    make: Callable[[], LoadedModel]
    looks: Mapping[Head, Callable[[Ids], Pattern]]
    copies: bool
    expected: Mapping[str, frozenset[Status]]
    heads: int = 1


def at_previous(words: Ids) -> Pattern:
    """All attention to the word before; the first word has itself alone."""
    return np.eye(words.size)[np.maximum(np.arange(words.size) - 1, 0)]


def at_first(words: Ids) -> Pattern:
    """All attention to the first word."""
    return np.eye(words.size)[np.zeros(words.size, dtype=int)]


def at_lag(words: Ids, lag: int = 11) -> Pattern:
    """All attention `lag` words back; before that many have passed nothing is said."""
    pattern = np.eye(words.size)[np.arange(words.size) - lag]
    pattern[:lag] = np.nan
    return pattern


def at_all(words: Ids) -> Pattern:
    """Even attention to all words so far."""
    return _even(np.ones((words.size, words.size), dtype=bool))


def at_same(words: Ids) -> Pattern:
    """Even attention to the same word, here and earlier."""
    return _even(words[:, None] == words[None, :])


def at_what_followed(words: Ids) -> Pattern:
    """Even attention to what followed the same word earlier; to all words where it has not been seen."""
    before = np.concatenate(
        [words[:1], words[:-1]]
    )  # what the first head notes; at the start, the word itself
    return _even(words[:, None] == before[None, :])


def _even(hit: NDArray[np.bool_]) -> Pattern:
    causal = np.tril(np.ones(hit.shape))
    wanted = causal * hit
    wanted[wanted.sum(axis=1) == 0] = causal[wanted.sum(axis=1) == 0]
    pattern: Pattern = wanted / wanted.sum(axis=1, keepdims=True)
    return pattern


ZOO: Final[Mapping[str, Truth]] = {
    "induction": Truth(
        animals.induction,
        {animals.PREVIOUS: at_previous, animals.INDUCTION: at_what_followed},
        copies=True,
        expected={MATCH: SUPPORTED, COST: SUPPORTED},
    ),
    "few heads": Truth(
        animals.few,
        {animals.PREVIOUS: at_previous, animals.INDUCTION: at_what_followed},
        copies=True,
        expected={MATCH: SUPPORTED, COST: INCONCLUSIVE},  # 7 other sets are too few to tell it from chance
    ),
    "permuted": Truth(
        animals.permuted,
        {animals.PREVIOUS_PERMUTED: at_previous, animals.INDUCTION_PERMUTED: at_what_followed},
        copies=True,
        expected={MATCH: SUPPORTED, COST: SUPPORTED},
    ),
    "twins, one asked for": Truth(
        animals.twins,
        {animals.INDUCTION: at_what_followed, animals.SECOND: at_what_followed},
        copies=True,
        expected={MATCH: SUPPORTED, COST: INCONCLUSIVE},
    ),
    "twins, both asked for": Truth(
        animals.twins,
        {animals.INDUCTION: at_what_followed, animals.SECOND: at_what_followed},
        copies=True,
        heads=2,
        expected={MATCH: SUPPORTED, COST: SUPPORTED},
    ),
    "previous": Truth(
        animals.previous,
        {animals.PREVIOUS: at_previous, animals.INDUCTION: at_all},
        copies=False,
        expected={MATCH: NOT_CLAIMED, COST: INCONCLUSIVE},
    ),
    "cache": Truth(
        animals.cache,
        {animals.CACHE: at_all},
        copies=False,
        expected={MATCH: NOT_CLAIMED, COST: INCONCLUSIVE},
    ),
    "sink": Truth(
        animals.sink,
        {animals.INDUCTION: at_first},
        copies=False,
        expected={MATCH: NOT_CLAIMED, COST: INCONCLUSIVE},
    ),
    "position": Truth(
        animals.position,
        {animals.INDUCTION: at_lag},
        copies=False,
        expected={MATCH: NOT_CLAIMED, COST: INCONCLUSIVE},
    ),
    "duplicate": Truth(
        animals.duplicate,
        {animals.INDUCTION: at_same},
        copies=False,
        expected={MATCH: NOT_CLAIMED, COST: INCONCLUSIVE},
    ),
    "dead": Truth(animals.dead, {}, copies=False, expected={MATCH: NOT_CLAIMED, COST: INCONCLUSIVE}),
    "random": Truth(animals.random, {}, copies=False, expected={MATCH: NOT_CLAIMED, COST: INCONCLUSIVE}),
}


PREVIOUS, PREVIOUS_COST = "patterns.previous_token", "patterns.previous_token_cost"
DUPLICATE = "patterns.duplicate_token"
BRACKET, BRACKET_COST = "patterns.bracket_match", "patterns.bracket_match_cost"
SUBJECT, SUBJECT_COST = "patterns.sentence_subject", "patterns.sentence_subject_cost"


@dataclass(frozen=True, slots=True)
class PatternTruth:
    """One animal and what findings about attention patterns must say of it: those named are looked for.

    Attributes:
        sets: random sets that are ablated beside what is found; 2 where the animal has nothing to be supported.
    """

    make: Callable[[], LoadedModel]
    expected: Mapping[str, frozenset[Status]]
    sets: int = 2


# Attention is not use: of those that look at the word before, a bracket or a subject, one each needs to.
_NOT_PREVIOUS: Final = {PREVIOUS: NOT_CLAIMED, PREVIOUS_COST: INCONCLUSIVE}
_NOT_DUPLICATE: Final = {DUPLICATE: NOT_CLAIMED}
_NOT_BRACKET: Final = {BRACKET: NOT_CLAIMED, BRACKET_COST: INCONCLUSIVE}
_NOT_SUBJECT: Final = {SUBJECT: NOT_CLAIMED, SUBJECT_COST: INCONCLUSIVE}
_IS_PREVIOUS: Final = _NOT_PREVIOUS | {PREVIOUS: SUPPORTED}
PATTERN_ZOO: Final[Mapping[str, PatternTruth]] = {
    # Whoever copies what followed needs the token before: without head 0.0 nothing is copied.
    "induction": PatternTruth(animals.induction, {PREVIOUS: SUPPORTED, PREVIOUS_COST: SUPPORTED}, sets=19),
    "induction, for the same word": PatternTruth(animals.induction, _NOT_DUPLICATE),
    "permuted": PatternTruth(animals.permuted, _IS_PREVIOUS),
    "previous": PatternTruth(animals.previous, _IS_PREVIOUS | _NOT_DUPLICATE),
    "two before": PatternTruth(lambda: animals.position(lag=2), _NOT_PREVIOUS),
    "duplicate": PatternTruth(animals.duplicate, _NOT_PREVIOUS | {DUPLICATE: SUPPORTED}),
    "cache": PatternTruth(animals.cache, _NOT_PREVIOUS | _NOT_DUPLICATE),
    "dead": PatternTruth(animals.dead, _NOT_PREVIOUS | _NOT_DUPLICATE),
    "random": PatternTruth(animals.random, _NOT_DUPLICATE),
    "bracket closed": PatternTruth(readers.partner, _NOT_BRACKET | {BRACKET: SUPPORTED}),
    "bracket closed, and foretold": PatternTruth(
        readers.closer, {BRACKET: SUPPORTED, BRACKET_COST: SUPPORTED}, sets=19
    ),
    "nearest bracket of the kind": PatternTruth(readers.nearest_of_kind, _NOT_BRACKET),
    "nearest bracket": PatternTruth(readers.nearest_bracket, _NOT_BRACKET),
    "subject": PatternTruth(readers.subject, _NOT_SUBJECT | {SUBJECT: SUPPORTED}),
    "subject, and foretold": PatternTruth(
        readers.teller, {SUBJECT: SUPPORTED, SUBJECT_COST: SUPPORTED}, sets=19
    ),
    "nearest noun": PatternTruth(readers.nearest_noun, _NOT_SUBJECT),
    "first noun": PatternTruth(readers.first_noun, _NOT_SUBJECT),
    "first word": PatternTruth(readers.first_word, _NOT_BRACKET | _NOT_SUBJECT),
}


DECODABLE, REMOVAL, REINJECTION = "proxies.decodable", "proxies.removal", "proxies.reinjection"


@dataclass(frozen=True, slots=True)
class ProxyTruth:
    """One model that answers a copilot, and what findings about proxies must say of it.

    Attributes:
        sets: random directions that are tried; 2 where the model has nothing to be supported of an intervention.
    """

    make: Callable[[], LoadedModel]
    expected: Mapping[str, frozenset[Status]]
    sets: int = 2


# What is missed when a direction is taken away, and the best that a search found, never show absence.
_NOTHING: Final = dict.fromkeys((DECODABLE, REMOVAL, REINJECTION), INCONCLUSIVE)
_HELD: Final = _NOTHING | {DECODABLE: SUPPORTED}
PROXY_ZOO: Final[Mapping[str, ProxyTruth]] = {
    "used": ProxyTruth(proxies.using, dict.fromkeys(_NOTHING, SUPPORTED), sets=59),
    "trained": ProxyTruth(proxies.trained, dict.fromkeys(_NOTHING, SUPPORTED), sets=59),
    "held, unused": ProxyTruth(proxies.holding, _HELD, sets=59),
    "something else used": ProxyTruth(proxies.using_else, _HELD, sets=59),
    "labels permuted": ProxyTruth(proxies.scrambled, _NOTHING),
    "any order": ProxyTruth(proxies.any_order, _NOTHING),
    "template": ProxyTruth(proxies.by_template, _NOTHING),
    "dead": ProxyTruth(proxies.dead, _NOTHING),
    "never trained": ProxyTruth(proxies.untrained, _NOTHING),
}


OUTPUT, LAYERS, FEATURES = "drift.output", "drift.layers", "drift.features"


@dataclass(frozen=True, slots=True)
class DriftTruth:
    """Two releases, and what findings about drift must say of them: features are asked for where some are named."""

    make: Callable[[], drift.Pair]
    expected: Mapping[str, frozenset[Status]]


# The first two are tests at a site that was named before: that nothing changed by as much as matters is shown, and
# said. Features are found by a search.
_SAME: Final = dict.fromkeys((OUTPUT, LAYERS), NOT_SUPPORTED)
_UNCHANGED: Final = _SAME | {FEATURES: INCONCLUSIVE}
_CHANGED: Final = dict.fromkeys(_UNCHANGED, SUPPORTED)
DRIFT_ZOO: Final[Mapping[str, DriftTruth]] = {
    "copied": DriftTruth(drift.copied, _UNCHANGED),
    "permuted": DriftTruth(drift.permuted, _UNCHANGED),
    "rescaled": DriftTruth(drift.rescaled, _UNCHANGED),
    "re-quantised": DriftTruth(drift.requantised, _UNCHANGED),
    "dead": DriftTruth(drift.dead, _UNCHANGED),
    "just below, in states": DriftTruth(drift.below_in_states, dict.fromkeys(_SAME, NOT_CLAIMED)),
    "just below, in outputs": DriftTruth(drift.below_in_outputs, {OUTPUT: NOT_CLAIMED, LAYERS: SUPPORTED}),
    # It predicts the same, and its states are other numbers: the words say "in the same coordinates".
    "in other coordinates": DriftTruth(
        drift.in_other_coordinates, {OUTPUT: NOT_SUPPORTED, LAYERS: SUPPORTED}
    ),
    "coarsely re-quantised": DriftTruth(drift.coarse, dict.fromkeys(_SAME, SUPPORTED)),
    "planted": DriftTruth(drift.planted, _CHANGED),
    "fine-tuned": DriftTruth(drift.tuned, _CHANGED),
    "another": DriftTruth(drift.another, _CHANGED),
}


REFUSAL_DECODABLE, ABLATION, ADDITION, CONTEXT = (
    "refusal.decodable", "refusal.ablation", "refusal.addition", "refusal.context",
)  # fmt: skip
_REFUSES_NOTHING: Final = dict.fromkeys((REFUSAL_DECODABLE, ABLATION, ADDITION, CONTEXT), INCONCLUSIVE)
_KIND_MAY_BE_HELD: Final = _REFUSES_NOTHING | dict.fromkeys(
    (REFUSAL_DECODABLE, CONTEXT), SUPPORTED | INCONCLUSIVE
)
_KIND_HELD: Final = _REFUSES_NOTHING | {REFUSAL_DECODABLE: SUPPORTED}
_REFUSES: Final = _KIND_HELD | {ABLATION: SUPPORTED, ADDITION: SUPPORTED}
REFUSAL_ZOO: Final[Mapping[str, ProxyTruth]] = {
    "refuses, swayed": ProxyTruth(refusal.persuaded, _REFUSES | {CONTEXT: SUPPORTED}, sets=79),
    "trained": ProxyTruth(refusal.trained, _REFUSES | {CONTEXT: SUPPORTED}, sets=79),
    "trained, direction removed": ProxyTruth(refusal.removed, _KIND_MAY_BE_HELD, sets=79),
    "refuses": ProxyTruth(refusal.using, _REFUSES, sets=79),
    "refuses, any context": ProxyTruth(refusal.any_context, _REFUSES, sets=79),
    "held, unused": ProxyTruth(refusal.holding, _KIND_HELD, sets=79),
    "something else used": ProxyTruth(refusal.using_else, _KIND_HELD, sets=79),
    "kinds permuted": ProxyTruth(refusal.scrambled, _REFUSES_NOTHING),
    "any order": ProxyTruth(refusal.any_order, _REFUSES_NOTHING),
    "length": ProxyTruth(refusal.by_length, _REFUSES_NOTHING),
    "template": ProxyTruth(refusal.by_template, _REFUSES_NOTHING),
    "dead": ProxyTruth(refusal.dead, _REFUSES_NOTHING),
    "never trained": ProxyTruth(refusal.untrained, _REFUSES_NOTHING),
}


SIGNS: Final = "deception.signs"
DECEPTION_ZOO: Final[Mapping[str, ProxyTruth]] = {
    "held": ProxyTruth(deception.knowing, {SIGNS: SUPPORTED}),
    "trained": ProxyTruth(deception.trained, {SIGNS: SUPPORTED}),
    "instruction": ProxyTruth(deception.by_instruction, {SIGNS: INCONCLUSIVE}),
    "one domain": ProxyTruth(deception.one_domain, {SIGNS: INCONCLUSIVE}),
    "turned": ProxyTruth(deception.turned, {SIGNS: INCONCLUSIVE}),
    "endings permuted": ProxyTruth(deception.scrambled, {SIGNS: INCONCLUSIVE}),
    "any order": ProxyTruth(deception.any_order, {SIGNS: INCONCLUSIVE}),
    "beginning": ProxyTruth(deception.by_beginning, {SIGNS: INCONCLUSIVE}),
    "dead": ProxyTruth(deception.dead, {SIGNS: INCONCLUSIVE}),
    "never trained": ProxyTruth(deception.untrained, {SIGNS: INCONCLUSIVE}),
}


PATCHING, PARITY = "path.patching", "path.parity"


@dataclass(frozen=True, slots=True)
class PathTruth:
    """One model that goes on with a name, or seems to, and what findings about its path must say.

    Attributes:
        heads: how many the probe is asked to propose.
        along: places of `paths.places` that it must find, and no others; empty: there are none.
    """

    make: Callable[[int], LoadedModel]
    expected: frozenset[Status]
    heads: int = 1
    along: tuple[int, ...] = ()


# A search shows no absence. One of two twins still speaks for the answer of the sentence it was taken from: exchanged,
# it moves half of the way, where an ablation would show nothing.
PATH_ZOO: Final[Mapping[str, PathTruth]] = {
    "counting": PathTruth(paths.counting, SUPPORTED, along=(0,)),
    "counting, five asked for": PathTruth(paths.counting, SUPPORTED, heads=5, along=(0,)),
    "moving": PathTruth(paths.moving, SUPPORTED, heads=2, along=(1, 0)),
    "twins": PathTruth(paths.twins, SUPPORTED, heads=3, along=(0, 1, 2)),
    "silent": PathTruth(paths.silent, INCONCLUSIVE),
    "first named": PathTruth(paths.first_named, INCONCLUSIVE),
    "another's name": PathTruth(paths.scrambled, INCONCLUSIVE),
    "any order": PathTruth(paths.any_order, INCONCLUSIVE),
    "thing": PathTruth(paths.thing, INCONCLUSIVE),
    "dead": PathTruth(paths.dead, INCONCLUSIVE),
    "never trained": PathTruth(paths.untrained, INCONCLUSIVE),
}


RESTORING = "fact.restoring"
# A search for layers shows no absence.
FACT_ZOO: Final[Mapping[str, tuple[Callable[[int], LoadedModel], frozenset[Status]]]] = {
    "telling": (facts.telling, SUPPORTED),
    "told twice": (facts.told_twice, SUPPORTED),
    "first piece": (facts.by_first_piece, INCONCLUSIVE),
    "early": (facts.early, INCONCLUSIVE),
    "any order": (facts.any_order, INCONCLUSIVE),
    "disturbed": (facts.disturbed, INCONCLUSIVE),
}


HALLUCINATION: Final = "hallucination.signs"
HALLUCINATION_ZOO: Final[Mapping[str, ProxyTruth]] = {
    "held": ProxyTruth(hallucination.knowing, {HALLUCINATION: SUPPORTED}),
    "surprised": ProxyTruth(hallucination.surprised, {HALLUCINATION: INCONCLUSIVE}),
    "labels permuted": ProxyTruth(hallucination.scrambled, {HALLUCINATION: INCONCLUSIVE}),
    "one domain": ProxyTruth(hallucination.one_domain, {HALLUCINATION: INCONCLUSIVE}),
    "turned": ProxyTruth(hallucination.turned, {HALLUCINATION: INCONCLUSIVE}),
    "at the claim alone": ProxyTruth(hallucination.at_claim, {HALLUCINATION: INCONCLUSIVE}),
    "claim": ProxyTruth(hallucination.by_claim, {HALLUCINATION: INCONCLUSIVE}),
    "source": ProxyTruth(hallucination.by_source, {HALLUCINATION: INCONCLUSIVE}),
    "place": ProxyTruth(hallucination.by_place, {HALLUCINATION: INCONCLUSIVE}),
    "dead": ProxyTruth(hallucination.dead, {HALLUCINATION: INCONCLUSIVE}),
    "never trained": ProxyTruth(hallucination.untrained, {HALLUCINATION: INCONCLUSIVE}),
}
