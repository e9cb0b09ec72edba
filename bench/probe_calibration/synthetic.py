"""Activations whose features are known, by `sae_lens.synthetic`: sparse sums of directions, and words that carry them.

A word carries features as any token does and, where its concept has one, the concept's own. What a dictionary is worth
on all words and tokens that could have been drawn is told by thousands of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from interpret.dictionaries import library  # noqa: F401  # first: it sets what sae-lens reads from the environment
from interpret.dictionaries.coding import Floats
from interpret.dictionaries.polysemanticity import Read
from interpret.dictionaries.reading import Tokens

WIDTH: Final = 128
FEATURES: Final = 64
CONCEPTS, WORDS, TEMPLATES = 16, 24, 3
LENGTH: Final = 256  # tokens a text
FIRES, ON_WORDS = 0.05, 0.02  # how often a feature fires on a token, and on a word beside the concept's own
SPREAD: Final = 0.3  # standard deviation of a feature's strength, whose mean is 1
OWN: Final = 1.4  # strength of a concept's feature on its words
NOISE: Final = 0.03  # of what is no feature
DENSE: Final = 0.15  # of what a concept adds along every direction


@dataclass(frozen=True, slots=True)
class Planted:
    """What goes with the concepts.

    Attributes:
        features: concept -> the features that its words carry.
        share: of a concept's words, those that carry them.
        dense: whether a concept's words lie elsewhere along every direction, too.
        noise: whether there are no features at all, in words and tokens alike.
    """

    features: dict[int, tuple[int, ...]] = field(default_factory=dict)
    share: float = 1.0
    dense: bool = False
    noise: bool = False


class Source:
    """One set of known features, from which tokens and words are drawn."""

    def __init__(self, planted: Planted, seed: int) -> None:
        from sae_lens.synthetic import FeatureDictionary  # noqa: PLC0415  # seconds, and only where it is asked for

        self.planted = planted
        made: Any = FeatureDictionary(FEATURES, WIDTH, initializer=None, seed=seed)
        self.directions: Floats = made.feature_vectors.detach().numpy()
        self._apart = DENSE * np.random.default_rng(seed).standard_normal((CONCEPTS, WIDTH))

    def tokens(self, texts: int, seed: int) -> Tokens:
        """Draw tokens of so many texts, in each of which features fire more or less often."""
        from sae_lens.synthetic import ActivationGenerator  # noqa: PLC0415

        rng, strengths = np.random.default_rng(seed), list[Floats]()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for _ in range(texts):
                often = np.clip(FIRES * rng.lognormal(0, 0.5, FEATURES), 0, 1).astype(np.float32)
                made: Any = ActivationGenerator(FEATURES, torch.from_numpy(often), SPREAD)
                strengths.append(made.sample(LENGTH).numpy())
        activations = self._written(np.concatenate(strengths), rng)
        massive = np.zeros(len(activations), dtype=bool)
        return Tokens(activations, massive, np.repeat(np.arange(texts), LENGTH))

    def words(self, each: int, seed: int) -> Read:
        """Draw so many words of each concept, as they are read in each template."""
        rng = np.random.default_rng(seed)
        concepts = np.repeat(np.arange(CONCEPTS), each)
        strengths = np.abs(rng.normal(1, SPREAD, (len(concepts), FEATURES)))
        strengths *= rng.random(strengths.shape) < ON_WORDS
        for concept, features in self.planted.features.items():
            rows = np.flatnonzero(concepts == concept)
            carrying = rows[rng.random(len(rows)) < self.planted.share]
            strengths[np.ix_(carrying, np.asarray(features))] += np.abs(
                rng.normal(OWN, SPREAD, (len(carrying), 1))
            )
        written = self._written(strengths, rng) + (self._apart[concepts] if self.planted.dense else 0)
        noise = rng.standard_normal((TEMPLATES, *written.shape))
        residual = (written + NOISE * noise).astype(np.float32)
        return Read(residual, np.zeros((TEMPLATES, len(concepts), 1), np.float32), concepts)

    def _written(self, strengths: NDArray[Any], rng: np.random.Generator) -> Floats:
        """Return what features of these strengths add up to, and noise. Shape (row, width)."""
        noise = rng.standard_normal((len(strengths), WIDTH))
        if self.planted.noise:
            return noise.astype(np.float32)
        found: Floats = (strengths @ self.directions + NOISE * noise).astype(np.float32)
        return found
