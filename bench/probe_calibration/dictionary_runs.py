"""What is said of one dictionary whose features are known, by the rules of its pages, and whether that is so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.probe_calibration.synthetic import WORDS, Planted, Source
from bench.probe_calibration.told import Told
from interpret.dictionaries.claims import CARD, CONCEPTS, LABEL, RIVALS, not_below
from interpret.dictionaries.coding import Autoencoder, Coder, by_chunks, principal_of
from interpret.dictionaries.described import Answer
from interpret.dictionaries.features import answers_of, densities_of, random_values
from interpret.dictionaries.looks import Look, looks
from interpret.dictionaries.polysemanticity import ANSWERS, areas_of, counts_of, sure_counts_of, values_of
from interpret.dictionaries.quality import explained_variance, measure
from interpret.dictionaries.reading import Tokens
from interpret.dictionaries.training import Training, train

LEARNT, HELD_OUT, ALL = 24, 12, 48  # texts: to train on, to measure by, and by which is told what is true
ALL_WORDS: Final = 200  # a concept, by which is told what is true
INSISTS: Final = 20  # labels that are given however badly they do on the words to choose by
NO_BAG: Final = 0.5  # words here have no tokens of their own to be told by
BATCH, RATE, DEAD_AFTER = 256, 4e-3, 30


@dataclass(frozen=True, slots=True)
class Asked:
    """What one kind of runs trains, and on what.

    Attributes:
        planted: as of `Source`; a dictionary is asked after by its `number` among the concepts that have features.
        frozen: whether its decoder stays as it was drawn.
        shuffled: whether labels go with other words than they were written for.
    """

    planted: Planted
    training: Training
    frozen: bool = False
    shuffled: bool = False


def say_of_words(asked: Asked, number: int) -> tuple[Told, ...]:
    """Train the dictionary of this number, and return what is said of its features and words."""
    seed = 1000 * number
    source = Source(asked.planted, seed)
    coder = _trained(asked, source.tokens(LEARNT, seed + 1), seed)
    held_out = source.tokens(HELD_OUT, seed + 2)
    return (
        *_labels(asked, source, coder, held_out, number),
        *_concepts(asked, source, coder, number),
    )


def say_of_card(asked: Asked, number: int) -> tuple[Told, ...]:
    """Train the dictionary of this number and its rivals, and return whether its card is said to be better."""
    seed = 1000 * number
    source = Source(asked.planted, seed)
    learnt, held_out = source.tokens(LEARNT, seed + 1), source.tokens(HELD_OUT, seed + 2)
    return (_card(asked, source, _trained(asked, learnt, seed), (learnt, held_out), seed),)


def _trained(asked: Asked, learnt: Tokens, seed: int) -> Autoencoder:
    return Autoencoder(train(learnt.activations, _seeded(asked.training, seed), frozen=asked.frozen))


def _seeded(training: Training, seed: int) -> Training:
    return Training(**{**training.as_json(), "seed": seed})


def _labels(asked: Asked, source: Source, coder: Autoencoder, tokens: Tokens, number: int) -> Iterator[Told]:
    """Label each feature that one would by the concept that it tells best on the words to choose by, the best first.

    Where few or none reach the area at which one would, the best are labelled all the same: each run is a trial.
    What stands out of what nobody planted counts as much as what was.
    """
    seed = 1000 * number
    words = source.words(WORDS, seed + 3)
    if asked.shuffled:
        words = type(words)(words.residual[:, _shuffle(words.concepts, seed)], words.neurons, words.concepts)
    values = by_chunks(coder.encode, tokens.activations)
    alive = np.flatnonzero((values > 0).any(axis=0))
    found = answers_of(coder, tokens, values, words, alive, seed)
    chosen = found[:, :, 0]
    best = [(int(row), int(chosen[row].argmax())) for row in np.argsort(-chosen.max(axis=1), kind="stable")]
    tried = [pair for place, pair in enumerate(best) if place < INSISTS or chosen[pair] >= ANSWERS]
    answers = {pair: Answer(*found[pair].tolist()) for pair in tried}
    told = looks((pair, answers[pair].chance(NO_BAG, WORDS // 2)) for pair in tried)
    true = _true_areas(source, coder, tokens, densities_of(tokens, values, alive), alive, seed)
    wanted = _wanted(asked.planted, coder.directions[alive], source, number)
    for pair in tried:
        is_true = not asked.shuffled and bool(true[pair])
        if told[pair].stands_out and (pair == wanted or not is_true or not asked.planted.features):
            yield _said_of_label(told[pair], answers[pair], true=is_true)
    if wanted is None or wanted not in told or not told[wanted].stands_out:
        yield Told(
            LABEL,
            "inconclusive",
            "descriptive",
            true=False,
            p_value=None,
            random_sets=0,
            value=0,
            low=0,
            high=0,
        )


def _said_of_label(look: Look, answer: Answer, *, true: bool) -> Told:
    status = "supported" if look.stands_out else "inconclusive"
    return Told(LABEL, status, "descriptive", true, look.chance, 0, answer.held_out, answer.low, answer.high)


def _true_areas(
    source: Source,
    coder: Coder,
    tokens: Tokens,
    densities: Any,
    alive: NDArray[np.int64],
    seed: int,
) -> NDArray[np.bool_]:
    """Return whether each feature tells each concept better than what it is held against, of all words."""
    words = source.words(ALL_WORDS, seed + 4)
    areas = areas_of(values_of(coder, words)[:, alive], words.concepts).T
    by_density = random_values(tokens.ordinary, densities, words, seed)
    drawn = np.stack([areas_of(each, words.concepts).max(axis=1) for each in by_density])
    better: NDArray[np.bool_] = areas > np.maximum(drawn, NO_BAG)
    return better


def _wanted(planted: Planted, directions: Any, source: Source, number: int) -> tuple[int, int] | None:
    """Return the feature and concept that this number asks after: the one whose direction is nearest; None: none."""
    if not planted.features:
        return None
    concepts = sorted(planted.features)
    concept = concepts[number % len(concepts)]
    own = source.directions[planted.features[concept][0]]
    unit = directions / np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-12)
    return int((unit @ own).argmax()), concept


def _concepts(asked: Asked, source: Source, coder: Autoencoder, number: int) -> Iterator[Told]:
    """Say of each feature to how many concepts it surely answers."""
    seed = 1000 * number
    words, everywhere = source.words(WORDS, seed + 5), source.words(ALL_WORDS, seed + 4)
    values = values_of(coder, words)
    if asked.shuffled:
        values = values[_shuffle(words.concepts, seed)]
    sure = sure_counts_of(values, words.concepts)
    true = counts_of(areas_of(values_of(coder, everywhere), everywhere.concepts))
    if asked.shuffled:
        true = np.zeros_like(true)
    wanted = _wanted(asked.planted, coder.directions, source, number)
    unit = wanted[0] if wanted else None
    for each in np.flatnonzero(sure > true):
        yield _said_of_concepts(int(sure[each]), true=False)
    if unit is not None:
        planted = _planted_of(asked.planted, wanted)
        yield _said_of_concepts(
            int(sure[unit]), true=bool(sure[unit] <= true[unit]), supported=sure[unit] >= planted
        )
    else:
        yield _said_of_concepts(0, true=False, supported=False)


def _planted_of(planted: Planted, wanted: tuple[int, int] | None) -> int:
    """Return how many concepts the feature that is asked after was planted in."""
    own = planted.features[wanted[1]][0] if wanted else -1
    return sum(own in features for features in planted.features.values())


def _said_of_concepts(many: int, *, true: bool, supported: bool = True) -> Told:
    status = "supported" if supported else "inconclusive"
    return Told(CONCEPTS, status, "descriptive", true, None, 0, many, many, many)


def _card(asked: Asked, source: Source, coder: Coder, tokens: tuple[Tokens, Tokens], seed: int) -> Told:
    """Say whether the card is better than that of all rivals."""
    learnt, held_out = tokens
    dead = Source(Planted(noise=True), seed)
    again = _seeded(asked.training, seed + 1)
    of_dead = Autoencoder(train(dead.tokens(LEARNT, seed + 6).activations, again))
    coders: Mapping[str, tuple[Coder, Source, Tokens]] = {
        "dictionary": (coder, source, held_out),
        "frozen decoder": (Autoencoder(train(learnt.activations, again, frozen=True)), source, held_out),
        "principal components": (principal_of(learnt.activations, again.active), source, held_out),
        "dead model": (of_dead, dead, dead.tokens(HELD_OUT, seed + 7)),
    }
    rows = {name: {"quality": measure(each, own).as_json()} for name, (each, _, own) in coders.items()}
    true = {name: _explained(each, of.tokens(ALL, seed + 8)) for name, (each, of, _) in coders.items()}
    told = rows["dictionary"]["quality"]["explained_without"]
    return Told(
        CARD,
        "inconclusive" if not_below(rows) else "supported",
        "descriptive",
        all(true["dictionary"] > true[name] for name in RIVALS),
        None,
        0,
        told["value"],
        told["low"],
        told["high"],
    )


def _explained(coder: Coder, tokens: Tokens) -> float:
    back = by_chunks(lambda chunk: coder.decode(coder.encode(chunk)), tokens.activations)
    return explained_variance(tokens.activations, back)


def _shuffle(concepts: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed + 9).permutation(len(concepts))
