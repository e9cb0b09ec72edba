"""What each feature of a dictionary does on texts held out: where it fires, what it raises, what it answers to.

All of it describes. Examples over quantiles are shown because the strongest alone make almost any feature look as if it
had one meaning. What a feature answers to is told for half of a labelled set's words, which a person may look at to
choose a label, and apart from it for the other half, by which a label is judged (docs/decisions/0084).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from interpret.dictionaries.coding import Coder, Dictionary, Floats, by_chunks
from interpret.dictionaries.concepts import CONCEPTS, TEMPLATES, VERSION
from interpret.dictionaries.described import FORMAT
from interpret.dictionaries.figures import jackknifed
from interpret.dictionaries.polysemanticity import Read, areas_of, read_words, values_of
from interpret.dictionaries.reading import Sequences, Tokens, cut, read
from interpret.dictionaries.stability import drawn
from interpret.errors import BadSpecification
from interpret.probes.devices import to_numpy
from interpret.probes.weights import LoadedModel

QUANTILES: Final = (1.0, 0.75, 0.5, 0.25, 0.0)  # of a feature's values where it fires
EXAMPLES: Final = 2  # a quantile, of texts of their own
BEFORE, AFTER = 14, 5  # tokens shown around one
EFFECTS: Final = 8  # tokens that a feature raises most, and as many that it lowers
RANDOM: Final = 20  # directions that were drawn, each cut off so that it fires as often as the feature
FINAL_NORMS: Final = ("norm", "ln_f", "final_layer_norm")  # Llama-like, GPT-2, NeoX
DIGITS: Final = 3


@dataclass(frozen=True, slots=True)
class Labelled:
    """One half of the labelled words.

    Attributes:
        rows: (word,), places of its words among all.
        concepts: (word,), the place of each one's concept.
    """

    rows: NDArray[np.int64]
    concepts: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Fired:
    """Where the features fire.

    Attributes:
        values: (token, feature), 0 at massive tokens.
        ordinary: how many tokens are not massive.
    """

    values: Floats
    tokens: Tokens
    sequences: Sequences
    ordinary: int


def describe(
    loaded: LoadedModel, dictionary: Dictionary, held_out: Sequence[str], seed: int = 0
) -> dict[str, Any]:
    """Return what each feature does on `held_out`, as JSON values; features that fire nowhere in them are only counted.

    Raises:
        BadSpecification: the model has no tokenizer, or no text is long enough.
        DictionaryMisfit: the dictionary is of another model.
    """
    site = dictionary.about.site
    sequences = cut(loaded, held_out)
    fired = _fire(dictionary, read(loaded, sequences, site), sequences)
    words = read_words(loaded, site, CONCEPTS)
    alive = np.flatnonzero((fired.values > 0).any(axis=0))
    answers = [
        [_rounded(answer) for answer in each]
        for each in answers_of(dictionary, fired.tokens, fired.values, words, alive, seed).tolist()
    ]
    effects = _effects(loaded, dictionary.directions[alive])
    return {
        "format": FORMAT,
        "dictionary": dictionary.digest,
        "tokens": fired.ordinary,
        "texts": len(np.unique(sequences.texts)),
        "features": dictionary.about.features,
        "concepts": {
            "version": VERSION,
            "names": list(CONCEPTS),
            "words": len(next(iter(CONCEPTS.values()))) // 2,
            "templates": len(TEMPLATES),
            "random": RANDOM,
            "bag_of_tokens": _rounded(_bag_of_tokens(loaded)),
        },
        "described": [
            {"number": int(number), **_shown(loaded, fired, int(number)), **effect, "answers": answer}
            for number, effect, answer in zip(alive, effects, answers, strict=True)
        ],
    }


def halves(concepts: NDArray[np.int64]) -> tuple[Labelled, Labelled]:
    """Return every other word of each concept, to choose a label by, and the others, to judge it by."""
    each = len(concepts) // (int(concepts.max()) + 1)
    first = np.flatnonzero(np.arange(len(concepts)) % each % 2 == 0)
    second = np.flatnonzero(np.arange(len(concepts)) % each % 2 == 1)
    return Labelled(first, concepts[first]), Labelled(second, concepts[second])


def matched_values(
    activations: Floats, words: Floats, directions: Floats, densities: Sequence[float]
) -> Iterator[Floats]:
    """Yield, for each density, what the directions give for words where each is cut off to fire on so many tokens.

    Args:
        activations: (token, width), of ordinary tokens.
        words: (template, word, width).
        directions: (direction, width).

    Yields:
        (word, direction), a mean over templates.
    """
    along_tokens = np.sort(activations @ directions.T, axis=0)
    along_words = words @ directions.T
    for density in densities:
        place = min(len(along_tokens) - 1, round((1 - density) * len(along_tokens)))
        yield np.maximum(along_words - along_tokens[place], 0).mean(axis=0)


def _fire(dictionary: Dictionary, tokens: Tokens, sequences: Sequences) -> _Fired:
    values = by_chunks(dictionary.encode, tokens.activations)
    values[tokens.massive] = 0
    return _Fired(values, tokens, sequences, int((~tokens.massive).sum()))


def _shown(loaded: LoadedModel, fired: _Fired, number: int) -> dict[str, Any]:
    """Return how often a feature fires, and examples of it."""
    values = fired.values[:, number]
    where = np.flatnonzero(values > 0)
    ranked = where[np.argsort(-values[where], kind="stable")]
    return {
        "density": round(len(where) / fired.ordinary, 6),
        "in_texts": len(np.unique(fired.tokens.texts[where])),
        "largest": round(float(values.max()), DIGITS),
        "examples": [
            {"quantile": quantile, **_example(loaded, fired, token, float(values[token]))}
            for quantile, token in _over_quantiles(ranked, fired.tokens.texts)
        ],
    }


def _over_quantiles(ranked: NDArray[np.int64], texts: NDArray[np.int64]) -> Iterator[tuple[float, int]]:
    """Yield tokens nearest to each quantile, no token twice, those of a quantile from texts of their own.

    Args:
        ranked: tokens, largest value first.
        texts: (token,), of which text.
    """
    shown = set[int]()
    for quantile in QUANTILES:
        apart = np.abs(np.arange(len(ranked)) - (1 - quantile) * (len(ranked) - 1))
        picked: dict[int, int] = {}
        for token in ranked[np.argsort(apart, kind="stable")].tolist():
            if len(picked) == EXAMPLES:
                break
            if token not in shown:
                picked.setdefault(int(texts[token]), token)
        shown |= set(picked.values())
        yield from ((quantile, token) for token in picked.values())


def _example(loaded: LoadedModel, fired: _Fired, token: int, value: float) -> dict[str, Any]:
    sequence, place = divmod(token, fired.sequences.ids.shape[1])
    ids = fired.sequences.ids[sequence]

    return {
        "value": round(value, DIGITS),
        "text": int(fired.tokens.texts[token]),
        "before": _text(loaded, ids[max(0, place - BEFORE) : place]),
        "token": _text(loaded, ids[place : place + 1]),
        "after": _text(loaded, ids[place + 1 : place + 1 + AFTER]),
    }


def _effects(loaded: LoadedModel, directions: Floats) -> Iterator[dict[str, list[str]]]:
    """Yield the tokens whose logits each direction raises and lowers most, by the unembedding alone.

    What later layers make of a direction is not in it, nor is the scale of the last norm, which depends on the rest.
    """
    unembedding = to_numpy(loaded.model.get_output_embeddings().weight.detach().float())
    names = (name for name in FINAL_NORMS if hasattr(loaded.model.base_model, name))
    norm = getattr(loaded.model.base_model, next(names, ""), None)
    gain = to_numpy(norm.weight.detach().float()) if norm is not None else np.float32(1)
    for direction in directions:
        logits = unembedding @ (direction * gain)
        order = np.argsort(logits, kind="stable")
        yield {
            "raises": [_text(loaded, [token]) for token in order[::-1][:EFFECTS]],
            "lowers": [_text(loaded, [token]) for token in order[:EFFECTS]],
        }


def _text(loaded: LoadedModel, tokens: Sequence[int] | NDArray[np.int64]) -> str:
    """Return tokens as text; what is no text, as half a character, is marked."""
    if loaded.tokenizer is None:
        raise BadSpecification("the model has no tokenizer, so it reads no texts")
    found: str = loaded.tokenizer.decode([int(token) for token in tokens])
    return found.replace("\0", "\N{REPLACEMENT CHARACTER}")


def answers_of(
    coder: Coder, tokens: Tokens, values: Floats, words: Read, alive: NDArray[np.int64], seed: int
) -> NDArray[np.float64]:
    """Return how well living features tell concepts. Shape (feature, concept, figure), figures as in `Answer`.

    Of the area on the words to judge by, the interval is over words; of directions that were drawn, each is cut off to
    fire as often as the feature.

    Args:
        values: (token, feature), what features give on the tokens: 0 on massive ones.
        alive: places of the features.
    """
    choosing, judging = halves(words.concepts)
    on_words = values_of(coder, words)[:, alive]
    chosen = areas_of(on_words[choosing.rows], choosing.concepts)
    held, low, high = _judged(on_words[judging.rows], judging)
    by_density = random_values(tokens.ordinary, densities_of(tokens, values, alive), words, seed)
    judged_areas = np.stack([areas_of(each[judging.rows], judging.concepts) for each in by_density])
    mean, largest = judged_areas.mean(axis=2).T, judged_areas.max(axis=2).T
    return np.stack([chosen, held, low, high, mean, largest], axis=-1).transpose(1, 0, 2)


def densities_of(tokens: Tokens, values: Floats, alive: NDArray[np.int64]) -> Sequence[float]:
    """Return the share of ordinary tokens on which each living feature fires."""
    found: list[float] = ((values[:, alive] > 0).sum(axis=0) / int((~tokens.massive).sum())).tolist()
    return found


def random_values(ordinary: Floats, densities: Sequence[float], words: Read, seed: int) -> Iterator[Floats]:
    """Yield what directions that were drawn give for words, for each density: (word, direction)."""
    directions = drawn(RANDOM, words.residual.shape[-1], np.random.default_rng(seed))
    return matched_values(ordinary, words.residual, directions, densities)


def _judged(
    values: Floats, judging: Labelled
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return areas, (concept, feature), and their intervals over the words of each concept."""
    whole = areas_of(values, judging.concepts)
    each = len(judging.concepts) // (int(judging.concepts.max()) + 1)
    group = np.arange(len(judging.concepts)) % each
    without = np.stack(
        [areas_of(values[group != one], judging.concepts[group != one]) for one in range(each)]
    )
    low, high = whole.copy(), whole.copy()
    for place in np.ndindex(whole.shape):
        figure = jackknifed(float(whole[place]), without[:, *place].tolist())
        low[place], high[place] = max(0.0, figure.low), min(1.0, figure.high)
    return whole, low, high


def _bag_of_tokens(loaded: LoadedModel) -> list[float]:
    """Return how well the words' own tokens tell each concept: learnt on the words to choose by, judged on the others.

    By the log-odds of each token between a concept and all others, one added to each count.
    """
    if loaded.tokenizer is None:
        raise BadSpecification("the model has no tokenizer, so it reads no words")
    words = [word for each in CONCEPTS.values() for word in each]
    bags = [Counter(loaded.tokenizer(f" {word}", add_special_tokens=False)["input_ids"]) for word in words]
    concepts = np.repeat(np.arange(len(CONCEPTS)), len(words) // len(CONCEPTS))
    choosing, judging = halves(concepts)
    vocabulary = {token for row in choosing.rows for token in bags[row]}
    found = []
    for concept in range(len(CONCEPTS)):
        odds = _odds([bags[row] for row in choosing.rows], choosing.concepts == concept, vocabulary)
        scores = [sum(odds.get(token, 0.0) * n for token, n in bags[row].items()) for row in judging.rows]
        found.append(float(areas_of(np.array(scores, np.float32)[:, None], judging.concepts)[concept, 0]))
    return found


def _odds(
    bags: Sequence[Mapping[int, int]], own: NDArray[np.bool_], vocabulary: set[int]
) -> dict[int, float]:
    inside, outside = Counter[int](), Counter[int]()
    for bag, is_own in zip(bags, own, strict=True):
        (inside if is_own else outside).update(bag)
    totals = inside.total() + len(vocabulary), outside.total() + len(vocabulary)
    return {
        token: float(np.log((inside[token] + 1) / totals[0]) - np.log((outside[token] + 1) / totals[1]))
        for token in vocabulary
    }


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(float(value), DIGITS) for value in values]
