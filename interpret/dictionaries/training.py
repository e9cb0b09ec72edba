"""Training a TopK dictionary from activations that are already there: the same seed gives the same dictionary."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from torch import Tensor

from interpret.dictionaries import library
from interpret.dictionaries.coding import Floats
from interpret.errors import BadSpecification

Progress: TypeAlias = Callable[[int, int], None]  # samples done, of how many
SCALED_BY: Final = 16  # batches


@dataclass(frozen=True, slots=True)
class Training:
    """How a dictionary is trained.

    Attributes:
        features: how many.
        active: of them, those that may be non-zero on a token.
        samples: tokens that are shown, the same ones again once all were.
        batch: tokens a step.
        rate: of Adam, on activations scaled to a mean norm of the root of their width.
        dead_after: steps in which a feature that did not fire counts as dead.
        seed: of weights and order.
    """

    features: int = 2048
    active: int = 32
    samples: int = 163_840
    batch: int = 512
    rate: float = 1e-3
    dead_after: int = 100
    seed: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def train(
    activations: Floats, training: Training, *, frozen: bool = False, progress: Progress = lambda *_: None
) -> Any:
    """Return a trained SAE of sae-lens, on one thread: sums in another order would train another dictionary.

    Args:
        activations: (token, width), without massive tokens: ten of them would be most of what is learnt.
        frozen: the decoder stays as it was drawn, and the rest is trained around it.

    Raises:
        BadSpecification: fewer tokens than a batch, or more active features than there are.
    """
    if len(activations) < training.batch:
        raise BadSpecification(f"{len(activations)} tokens are fewer than a batch of {training.batch}")
    if not 0 < training.active <= training.features:
        raise BadSpecification(f"{training.active} of {training.features} features cannot be active")
    if training.samples < training.batch:
        raise BadSpecification(f"{training.samples} samples are fewer than a batch of {training.batch}")
    with _one_thread():
        sae = library.new_topk(
            width=activations.shape[1],
            features=training.features,
            active=training.active,
            seed=training.seed,
        )
        sae.W_dec.requires_grad_(not frozen)
        return library.fit(
            sae,
            batches_of(activations, training, progress),
            samples=training.samples,
            batch=training.batch,
            rate=training.rate,
            dead_after=training.dead_after,
            scale_by=SCALED_BY,
        )


def batches_of(activations: Floats, training: Training, progress: Progress) -> Iterator[Tensor]:
    """Yield batches without end, each token once before any comes again, in an order drawn by the seed."""
    rng, done = np.random.default_rng(training.seed), 0
    while True:
        order = rng.permutation(len(activations))
        for start in range(0, len(order) - training.batch + 1, training.batch):
            progress(min(done, training.samples), training.samples)
            yield torch.from_numpy(activations[order[start : start + training.batch]])
            done += training.batch


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
