"""A crosscoder: one dictionary of what two models hold at the same tokens, which tells what one of them holds alone.

It is a TopK SAE on both models' activations side by side, each scaled to the same size. How much a feature is one
model's is told by the norms of the two halves of what it writes. After: J. Lindsey et al., "Sparse Crosscoders for
Cross-Layer Features and Model Diffing" (2024); J. Minder et al., "Robustly Identifying Concepts Introduced During Chat
Fine-tuning" (2025, arXiv 2504.02922), on why TopK and no fixed cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from interpret.dictionaries.coding import Autoencoder, Floats, by_chunks
from interpret.dictionaries.training import Training, train

Norms: TypeAlias = NDArray[np.float64]
BATCH: Final = 128
RATE: Final = 2e-3
DEAD_AFTER: Final = 50  # steps
LEAST_FIRES: Final = (
    8  # tokens of the training on which a feature fires: fewer, and its norms are those it began with
)


@dataclass(frozen=True, slots=True)
class Crosscoder:
    """A trained one.

    Attributes:
        scales: what each model's activations are divided by.
        exclusive: (feature,), how far a feature's share of the second model's norm is from one half, in [0, 0.5]; 0 for
            one that hardly fires.
        fires: (feature,), whether it fires on enough tokens for that to be told.
    """

    coder: Autoencoder
    scales: tuple[float, float]
    exclusive: Norms
    fires: NDArray[np.bool_]

    def writes(self, first: Floats, second: Floats) -> Norms:
        """Return how much each feature writes on each token of two models (token, width). Shape (token, feature)."""
        norms = np.linalg.norm(self.coder.directions.astype(np.float64), axis=1)
        found: Norms = by_chunks(self.coder.encode, _beside(first, second, self.scales)) * norms
        return found


def train_crosscoder(
    first: Floats, second: Floats, *, features: int, active: int, samples: int, seed: int
) -> Crosscoder:
    """Train one on activations (token, width) of two models at the same tokens, without massive ones.

    Raises:
        BadSpecification: as `train`.
    """
    scales = _size(first), _size(second)
    both = _beside(first, second, scales)
    asked = Training(
        features=features,
        active=active,
        samples=samples,
        batch=BATCH,
        rate=RATE,
        dead_after=DEAD_AFTER,
        seed=seed,
    )
    coder = Autoencoder(train(both, asked))
    width = first.shape[1]
    norms = [
        np.linalg.norm(part.astype(np.float64), axis=1)
        for part in np.split(coder.directions, [width], axis=1)
    ]
    fires = (by_chunks(coder.encode, both) > 0).sum(axis=0) >= LEAST_FIRES
    share = norms[1] / np.maximum(norms[0] + norms[1], 1e-12)
    return Crosscoder(coder, scales, np.where(fires, np.abs(share - 0.5), 0.0), fires)


def _beside(first: Floats, second: Floats, scales: tuple[float, float]) -> Floats:
    """Return both side by side, each token's numbers of the size that the training expects."""
    both = np.concatenate([first / scales[0], second / scales[1]], axis=1)
    return np.ascontiguousarray(both, dtype=np.float32)


def _size(activations: Floats) -> float:
    """Return the root mean square of the numbers."""
    return float(np.sqrt((activations.astype(np.float64) ** 2).mean())) or 1.0
