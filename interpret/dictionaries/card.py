"""The quality card: what a dictionary is worth, and what its rivals are worth by the same figures.

A figure of a dictionary says little by itself. Beside each stand a decoder that was never trained, a dictionary of a
model whose weights were shuffled, and as many principal components as features fire at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from interpret.dictionaries import files, library, storing
from interpret.dictionaries.about import About, Site
from interpret.dictionaries.coding import Autoencoder, Coder, Floats, Principal, in_chunks, principal_of
from interpret.dictionaries.concepts import CONCEPTS, TEMPLATES, VERSION
from interpret.dictionaries.polysemanticity import Read, answers, projections, read_words, values_of
from interpret.dictionaries.quality import l0_of, measure
from interpret.dictionaries.reading import Sequences, Tokens, cut, read, site_of
from interpret.dictionaries.splicing import Losses, Replace, coding, constant, losses, recovered
from interpret.dictionaries.stability import drawn, match, random_floor
from interpret.dictionaries.training import Training, train
from interpret.probes.weights import LoadedModel

SPLICED: Final = 32  # sequences, of the held-out texts in turn
Say: TypeAlias = Callable[[str], None]

# What may differ where the same command is run again, on another machine. On the same one nothing does.
TOLERANCES: Final[Mapping[str, float]] = {
    "l0": 0.5, "explained": 0.02, "explained_without": 0.02, "dead": 0.05,
    "cross_entropy": 0.05, "divergence": 0.05, "mean": 0.05, "several": 0.03, "among_answering": 0.1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Material:
    """What one model gives at one place: to train on, and to measure by."""

    loaded: LoadedModel
    site: Site
    learnt: Tokens
    held_out: Tokens
    spliced: Sequences  # of the texts held out
    words: Read


def gather(loaded: LoadedModel, layer: int, learnt: Sequence[str], held_out: Sequence[str]) -> Material:
    """Read texts and words at the residual stream after `layer`.

    Raises:
        SiteUnknown: the model has no such layer.
        BadSpecification: it has no tokenizer, or no text is long enough.
    """
    site = site_of(loaded, layer)
    measured = cut(loaded, held_out)
    return Material(
        loaded,
        site,
        read(loaded, cut(loaded, learnt), site),
        read(loaded, measured, site),
        _some(measured),
        read_words(loaded, site, CONCEPTS),
    )


@dataclass(frozen=True, slots=True)
class Trained:
    """What was made of one model: a dictionary and its rivals."""

    dictionary: Autoencoder  # as read back
    second: Autoencoder  # of another seed
    frozen: Autoencoder
    principal: Principal
    digest: str

    def by_name(self) -> dict[str, Coder]:
        """Return all of them, as the card calls them."""
        return {
            "dictionary": self.dictionary,
            "second seed": self.second,
            "frozen decoder": self.frozen,
            "principal components": self.principal,
        }


def make(
    alive: Material, dead: Material, training: Training, store: Path, texts: Mapping[str, Any], say: Say
) -> str:
    """Train a dictionary, keep it with its card, and return its digest.

    Args:
        dead: of a copy whose weights were shuffled, read by the same texts.
        texts: what they are, for `about.json`.

    Raises:
        DictionaryInvalid: read back, it is not what was trained.
    """
    made = _train(alive, training, store, texts, say)
    say("training on the dead model")
    of_dead = {"dead model": Autoencoder(train(dead.learnt.ordinary, training))}
    rows = {**_rows(alive, made.by_name(), say), **_rows(dead, of_dead, say)}
    say("counting concepts")
    card = {
        "format": files.CARD_FORMAT,
        "dictionary": made.digest,
        "about": files.about_of(store / made.digest / files.FOLDER).as_json(),
        "tokens": {"learnt": len(alive.learnt.massive), "massive_learnt": int(alive.learnt.massive.sum())},
        "rows": rows,
        "stability": _stability(made, alive, training.seed),
        "polysemanticity": {
            "concepts": VERSION,
            "templates": len(TEMPLATES),
            "alive": _concepts(alive, made.dictionary, training.seed),
            "dead": _concepts(dead, of_dead["dead model"], training.seed),
        },
        "tolerances": dict(TOLERANCES),
    }
    files.write_card(store, made.digest, card)
    return made.digest


def differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """Return where two cards differ by more than `TOLERANCES` allow, or where one of them says nothing."""
    found = []
    ours, theirs = dict(_figures(first)), dict(_figures(second))
    for path in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(path), theirs.get(path)
        if one is None or other is None:
            if one is not other:
                found.append(f"{path}: {one} and {other}")
        elif abs(one - other) > _tolerance(path):
            found.append(f"{path}: {one:.4f} and {other:.4f}")
    return found


def _train(alive: Material, training: Training, store: Path, texts: Mapping[str, Any], say: Say) -> Trained:
    data = alive.learnt.ordinary
    say("training")
    trained = Autoencoder(train(data, training))
    before = l0_of(trained, alive.held_out.ordinary)
    told = {**training.as_json(), "versions": library.versions() | alive.loaded.versions, "threads": 1}
    about = About(alive.site, "topk", training.features, before, told, texts)
    digest = storing.store_trained(store, trained.sae, about)
    dictionary = storing.load(store, digest, alive.site)
    storing.check_l0(before, l0_of(dictionary, alive.held_out.ordinary))
    say("training with a second seed")
    second = Autoencoder(train(data, replace(training, seed=training.seed + 1)))
    say("training around a decoder that stays as it was drawn")
    frozen = Autoencoder(train(data, training, frozen=True))
    return Trained(dictionary, second, frozen, principal_of(data, training.active), digest)


def _rows(material: Material, coders: Mapping[str, Coder], say: Say) -> dict[str, Any]:
    """Return the figures of each coder on the texts that were held out."""
    say(f"measuring {', '.join(coders)}")
    mean = material.learnt.ordinary.mean(axis=0)
    replacements: dict[str, Replace] = {"zero": constant(np.zeros_like(mean)), "mean": constant(mean)}
    replacements |= {name: coding(coder) for name, coder in coders.items()}
    kept, all_of_them = (
        losses(material.loaded, material.site, material.spliced, replacements, massive=massive)
        for massive in (False, True)
    )
    return {
        name: {
            "quality": measure(coder, material.held_out).as_json(),
            "recovered": recovered(kept, name).as_json(),
            "recovered_massive_replaced": recovered(all_of_them, name).as_json(),
            "nats": {"kept": _nats(kept, name), "massive_replaced": _nats(all_of_them, name)},
        }
        for name, coder in coders.items()
    }


def _nats(told: Losses, name: str) -> dict[str, float]:
    """Return what the shares were taken of, nats a token."""
    return {
        "clean": float(told.clean.mean()),
        **{each: float(told.surprisal[each].mean()) for each in ("zero", "mean")},
        "coder": float(told.surprisal[name].mean()),
        **{f"divergence_{each}": float(told.divergence[each].mean()) for each in ("zero", "mean")},
        "divergence_coder": float(told.divergence[name].mean()),
    }


def _stability(made: Trained, alive: Material, seed: int) -> dict[str, Any]:
    """Return what two seeds share, over features that fire on the texts held out, beside directions that were drawn."""
    first, second = _firing(made.dictionary, alive), _firing(made.second, alive)
    floor = random_floor(len(first), len(second), alive.site.width, seed)
    return {"seeds": match(first, second).as_json(), "random": floor.as_json()}


def _firing(coder: Autoencoder, material: Material) -> Floats:
    """Return the directions of the features that fire on any ordinary token. Shape (feature, width)."""
    data, fired = material.held_out.ordinary, np.zeros(0, dtype=bool)
    for chunk in in_chunks(data):
        found = (coder.encode(chunk) != 0).any(axis=0)
        fired = fired | found if fired.size else found
    return coder.directions[fired]


def _concepts(material: Material, features: Coder, seed: int) -> dict[str, Any]:
    """Return how many concepts each kind of unit answers to. All directions are read alike, from the same residual."""
    width, words = material.site.width, material.words
    whole: Principal = principal_of(material.learnt.ordinary, width)
    random = drawn(width, width, np.random.default_rng(seed))
    values = {
        "neurons": words.neurons.mean(axis=0),
        "features": values_of(features, words),
        "principal directions": projections(whole.directions, words),
        "random directions": projections(random, words),
    }
    return {kind: answers(each, words.concepts, seed).as_json() for kind, each in values.items()}


def _some(sequences: Sequences) -> Sequences:
    """Return sequences of as many texts as can be had: the first of each, then the second, and so on."""
    place = np.zeros(len(sequences.texts), dtype=np.int64)
    for text in np.unique(sequences.texts):
        own = sequences.texts == text
        place[own] = np.arange(own.sum())
    chosen = np.sort(np.lexsort((sequences.texts, place))[:SPLICED])
    return Sequences(sequences.ids[chosen], sequences.texts[chosen])


def _figures(told: object, path: str = "") -> Iterator[tuple[str, float | None]]:
    """Yield each figure of a card that has a tolerance, by its path."""
    if isinstance(told, Mapping):
        for name, each in told.items():
            yield from _figures(each.get("value", each) if isinstance(each, dict) else each, f"{path}/{name}")
    elif (told is None or isinstance(told, (int, float))) and _tolerance(path) < np.inf:
        yield path, told


def _tolerance(path: str) -> float:
    """Return what a figure may differ by: that of the last name in its path that has one."""
    names = path.split("/")
    if "tolerances" in names or "about" in names or "nats" in names:
        return float("inf")
    return next((TOLERANCES[name] for name in reversed(names) if name in TOLERANCES), float("inf"))
