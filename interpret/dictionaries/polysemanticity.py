"""How many concepts of a labelled set a unit answers to: neurons, features, principal and random directions alike.

A unit answers to a concept when it tells the concept's words from all others: the area under the curve of its values,
or of their negatives, reaches `ANSWERS`. That is what is counted, and no more is claimed by it: a concept that is not
in the set is not seen, and a unit may answer to words that two concepts happen to share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from interpret.dictionaries.about import Site
from interpret.dictionaries.coding import Coder, Floats, by_chunks
from interpret.dictionaries.concepts import TEMPLATES
from interpret.dictionaries.figures import Figure, jackknifed
from interpret.dictionaries.looks import ALPHA, chances_beyond, least_error
from interpret.errors import BadSpecification, ProbeError
from interpret.probes.devices import to_numpy
from interpret.probes.hooks import Hook, counted_hooks
from interpret.probes.one_pass import inputs_of, run_until_reached
from interpret.probes.resuming import Reached
from interpret.probes.sites import blocks_of
from interpret.probes.weights import LoadedModel
from interpret.statistics import adjust_benjamini_hochberg

ANSWERS: Final = 0.8  # area under the curve
WORD_GROUPS: Final = 12  # of each concept's words: what intervals are over
WRITERS: Final = (
    "down_proj",
    "c_proj",
    "dense_4h_to_h",
)  # what reads a layer's neurons: Llama-like, GPT-2, NeoX
ROWS: Final = 64  # sequences at once
SILENT: Final = 0.5  # the area of a unit that gives the same for every word


@dataclass(frozen=True, slots=True)
class Read:
    """What a model gives at the last token of each word, a mean over templates.

    Attributes:
        residual: (template, word, width), after the site's layer.
        neurons: (template, word, neuron), of the site's layer, as they are written into the residual.
        concepts: (word,), the place of its concept.
    """

    residual: Floats
    neurons: Floats
    concepts: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Answers:
    """How many concepts the units of one kind answer to.

    Attributes:
        units: how many there are.
        silent: of them, those that give the same for every word; they answer to none.
        mean: concepts a unit answers to, over all units.
        several: share of the units that answer to more than one.
        among_answering: concepts, over the units that answer to any; None where none does.
        by_chance: `mean`, with words and concepts shuffled against each other.
        counts: units that answer to no concept, to one, two, …
        sure: the same, of concepts that a unit surely answers to: see `sure_counts_of`.
    """

    units: int
    silent: int
    mean: Figure
    several: Figure
    among_answering: Figure | None
    by_chance: float
    counts: tuple[int, ...]
    sure: tuple[int, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def read_words(loaded: LoadedModel, site: Site, concepts: Mapping[str, Sequence[str]]) -> Read:
    """Read each word at the end of each template.

    Raises:
        BadSpecification: a word stands under two concepts, or concepts have different numbers of words, or none.
        ProbeError: the layer's neurons are not where any known architecture has them.
    """
    words, of = check_concepts(concepts)
    parts = [
        _read_template(loaded, site, [template.format(word) for word in words]) for template in TEMPLATES
    ]
    return Read(np.stack([each for each, _ in parts]), np.stack([each for _, each in parts]), of)


def check_concepts(concepts: Mapping[str, Sequence[str]]) -> tuple[list[str], NDArray[np.int64]]:
    """Return all words, and the place of each one's concept; raises as `read_words` does."""
    words = [word for each in concepts.values() for word in each]
    if len(concepts) < 2:
        raise BadSpecification("labels of fewer than two concepts: there is nothing to tell apart")
    if len(set(words)) != len(words):
        raise BadSpecification("a word stands twice among the concepts")
    sizes = {len(each) for each in concepts.values()}
    if len(sizes) != 1 or min(sizes) < WORD_GROUPS:
        raise BadSpecification(
            f"concepts have {sorted(sizes)} words: they need the same number, {WORD_GROUPS} at least"
        )
    return words, np.repeat(np.arange(len(concepts)), len(words) // len(concepts))


def values_of(coder: Coder, read: Read) -> Floats:
    """Return what each feature gives for each word, a mean over templates. Shape (word, feature)."""
    found: Floats = np.mean(
        [by_chunks(coder.encode, each) for each in read.residual], axis=0, dtype=np.float32
    )
    return found


def projections(directions: Floats, read: Read) -> Floats:
    """Return how far each word lies along each direction, a mean over templates. Shape (word, direction)."""
    along: Floats = np.matmul(read.residual.mean(axis=0), directions.T, dtype=np.float32)
    return along


def answers(values: Floats, concepts: NDArray[np.int64], seed: int = 0) -> Answers:
    """Count the concepts that each unit answers to; intervals are over groups of each concept's words.

    Args:
        values: (word, unit).
        concepts: (word,), each as often as any other, side by side.
    """
    areas, areas_without = areas_of(values, concepts), _areas_without(values, concepts)
    words = len(concepts) // (int(concepts.max()) + 1)  # of each concept
    counts, without = counts_of(areas), [counts_of(each) for each in areas_without]
    shuffled = np.random.default_rng(seed).permutation(concepts)
    return Answers(
        units=values.shape[1],
        silent=int((np.ptp(values, axis=0) == 0).sum()),
        mean=_figure(counts, without, _mean),
        several=_figure(counts, without, _several),
        among_answering=_figure(counts, without, _among)
        if min(each.max() for each in [counts, *without])
        else None,
        by_chance=_mean(counts_of(areas_of(values, shuffled))),
        counts=tuple(int(each) for each in np.bincount(counts)),
        sure=tuple(int(each) for each in np.bincount(_sure(areas, areas_without, words))),
    )


def sure_counts_of(values: Floats, concepts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many concepts each unit surely answers to. Shape (unit,).

    Those at which the chance that a unit of an area no more than `ANSWERS` does as well survives Benjamini and
    Hochberg's correction over all concepts and all units that are not silent: of many, some reach any area by luck.
    """
    words = len(concepts) // (int(concepts.max()) + 1)
    return _sure(areas_of(values, concepts), _areas_without(values, concepts), words)


def areas_of(values: Floats, concepts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the area under the curve of each unit for each concept against all others. Shape (concept, unit).

    Equal values count half, so a unit that gives the same for all has 0.5.
    """
    from scipy.stats import rankdata  # noqa: PLC0415  # a second

    ranks = rankdata(values, axis=0)
    found = []
    for concept in range(int(concepts.max()) + 1):
        own = concepts == concept
        n, others = int(own.sum()), int((~own).sum())
        found.append((ranks[own].sum(axis=0) - n * (n + 1) / 2) / (n * others))
    return np.stack(found)


def counts_of(areas: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how many concepts each unit answers to, on either side. Shape (unit,)."""
    counts: NDArray[np.int64] = (np.maximum(areas, 1 - areas) >= ANSWERS).sum(axis=0)
    return counts


def _areas_without(values: Floats, concepts: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """Return the areas without each group of words in turn."""
    group = np.arange(len(concepts)) % (len(concepts) // (concepts.max() + 1)) % WORD_GROUPS
    return [areas_of(values[group != each], concepts[group != each]) for each in range(WORD_GROUPS)]


def _sure(
    areas: NDArray[np.float64], without: Sequence[NDArray[np.float64]], words: int
) -> NDArray[np.int64]:
    """Return it from areas (concept, unit), and those without each group of a concept's `words`."""
    pseudo = WORD_GROUPS * areas - (WORD_GROUPS - 1) * np.stack(without)  # (group, concept, unit)
    error = np.maximum(pseudo.std(axis=0, ddof=1) / np.sqrt(WORD_GROUPS), least_error(words))
    chances = chances_beyond(np.maximum(areas, 1 - areas), error, ANSWERS, WORD_GROUPS)
    speaks = (areas != SILENT).any(axis=0)
    counts = np.zeros(areas.shape[1], dtype=np.int64)
    q_values = adjust_benjamini_hochberg(chances[:, speaks].ravel()).reshape(len(areas), -1)
    counts[speaks] = (q_values <= ALPHA).sum(axis=0)
    return counts


def _mean(counts: NDArray[np.int64]) -> float:
    return float(counts.mean())


def _several(counts: NDArray[np.int64]) -> float:
    return float((counts > 1).mean())


def _among(counts: NDArray[np.int64]) -> float:
    return float(counts[counts > 0].mean())


def _figure(counts: NDArray[np.int64], without: Sequence[NDArray[np.int64]], statistic: Any) -> Figure:
    return jackknifed(statistic(counts), [statistic(each) for each in without])


def _read_template(loaded: LoadedModel, site: Site, texts: Sequence[str]) -> tuple[Floats, Floats]:
    """Return residual and neurons at the last token of each text."""
    if loaded.tokenizer is None:
        raise BadSpecification("the model has no tokenizer, so it reads no words")
    tokens = [loaded.tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    residual, neurons = list[Floats](), list[Floats]()
    for start in range(0, len(tokens), ROWS):
        rows = tokens[start : start + ROWS]
        lengths = [len(each) for each in rows]
        ids = np.zeros((len(rows), max(lengths)), dtype=np.int64)
        for row, each in zip(ids, rows, strict=True):
            row[: len(each)] = each
        kept: dict[str, Floats] = {}
        last = (np.arange(len(rows)), np.asarray(lengths) - 1)
        with torch.inference_mode(), counted_hooks(_hooks(loaded, site.layer, kept)):
            run_until_reached(loaded, inputs_of(loaded, ids, lengths))
        residual.append(kept["residual"][last])
        neurons.append(kept["neurons"][last])
    return np.concatenate(residual), np.concatenate(neurons)


def _hooks(loaded: LoadedModel, layer: int, kept: dict[str, Floats]) -> list[Hook]:
    block: Any = blocks_of(loaded)[layer]
    mlp = getattr(block, "mlp", None)
    writer = next((getattr(mlp, name) for name in WRITERS if hasattr(mlp, name)), None)
    if not isinstance(writer, nn.Module):
        raise ProbeError(f"layer {layer} of a {loaded.shape.architecture} model has no neurons where we look")

    def keep_neurons(inputs: Any) -> None:
        kept["neurons"] = to_numpy(inputs[0].float())

    def keep_residual(output: Any) -> None:
        kept["residual"] = to_numpy((output[0] if isinstance(output, tuple) else output).float())
        raise Reached

    return [
        Hook(f"layer {layer} neurons", writer, keep_neurons, before=True),
        Hook(f"layer {layer}", block, partial(keep_residual)),
    ]
