"""Dictionaries: trained on activations whose features are known, and held against words that carry them, or none."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.probe_calibration import real
from bench.probe_calibration.cases.kind import Kind
from bench.probe_calibration.told import Told
from interpret.dictionaries.claims import CARD, CONCEPTS, KEY, LABEL

SMALL_DICTIONARY: Final[Mapping[str, float | str]] = {"features": 80, "active": 4, "samples": 49_152}
EVERY: Final = {concept: (concept,) for concept in range(16)}
OF_WORDS: Final = frozenset({"share", "dense", "noise"})
# Of these some labels are so and others are not, so that a run is neither a null of labels nor planted.
SOME: Final = (LABEL,)
# A feature of two concepts each: it answers to both.
SHARED: Final = {concept: (concept // 2,) for concept in range(16)}


def _dictionary(
    name: str,
    many: int,
    says: str,
    features: Mapping[int, tuple[int, ...]] | None = None,
    of: tuple[str, ...] = (),
    unknown: tuple[str, ...] = (),
    **how: Any,
) -> Kind:
    claims = partial(_say, dict(features or {}), how)
    return Kind(
        f"dictionaries: {name}", KEY, SMALL_DICTIONARY, _no_model, many, says, bool(of), of=of, claims=claims,
        unknown=unknown,
    )  # fmt: skip


def _no_model(number: int, store: Path) -> real.Made:
    raise NotImplementedError(f"{KEY} is asked of dictionaries, and of no model: {number}, {store}")


def _say(features: Mapping[int, tuple[int, ...]], how: Mapping[str, Any], number: int) -> tuple[Told, ...]:
    """Train and judge one; sae-lens is loaded by whoever measures, and by nobody who asks what kinds there are."""
    from bench.probe_calibration import dictionary_runs as runs  # noqa: PLC0415
    from bench.probe_calibration.synthetic import Planted  # noqa: PLC0415
    from interpret.dictionaries.training import Training  # noqa: PLC0415

    given = {name: int(value) for name, value in SMALL_DICTIONARY.items()}
    training = Training(**given, batch=runs.BATCH, rate=runs.RATE, dead_after=runs.DEAD_AFTER)
    of_run = {name: how[name] for name in ("frozen", "shuffled") if name in how}
    planted = Planted(dict(features), **{name: how[name] for name in how if name in OF_WORDS})
    ask = runs.say_of_card if how.get("card") else runs.say_of_words
    return ask(runs.Asked(planted, training, **of_run), number)


KINDS: Final = (
    _dictionary(
        "labels shuffled", 60, "features are found; labels go with other words than they were written for",
        EVERY, shuffled=True,
    ),
    _dictionary("no concept has a feature", 20, "features are found; no word carries one"),
    _dictionary("dead", 30, "activations and words are noise", noise=True),
    _dictionary(
        "frozen decoder", 30, "trained around a decoder that stays as it was drawn", EVERY, unknown=SOME, frozen=True,
    ),
    _dictionary(
        "half of the words", 20, "each concept has a feature, which half of its words carry", EVERY, unknown=SOME,
        share=0.5,
    ),
    _dictionary("every direction", 20, "concepts lie apart along every direction alike", dense=True),
    _dictionary("one concept", 25, "one concept has a feature", {3: (3,)}, (LABEL, CONCEPTS)),
    _dictionary("every concept", 25, "each concept has a feature", EVERY, (LABEL, CONCEPTS)),
    _dictionary("two concepts a feature", 20, "each feature goes with two concepts", SHARED, (CONCEPTS,), SOME),
    _dictionary("card, dead", 65, "it and its rivals are trained on noise", noise=True, card=True),
    _dictionary("card, frozen decoder", 65, "its decoder stays as it was drawn", frozen=True, card=True),
    _dictionary("card, trained", 40, "trained on activations that are sums of a few features", of=(CARD,), card=True),
)  # fmt: skip
