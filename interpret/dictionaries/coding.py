"""What codes activations: a dictionary, or one of its rivals. One shape for all, so that all get the same figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from interpret.dictionaries.about import About

Floats: TypeAlias = NDArray[np.float32]
CHUNK: Final = 1024  # tokens: 1024 x 2048 features in float32 are 8 MB


class Coder(Protocol):
    """Turns activations into features and back."""

    def encode(self, activations: Floats) -> Floats:
        """Return what each feature gives. Shapes (token, width) -> (token, feature)."""

    def decode(self, features: Floats) -> Floats:
        """Return what the features add up to. Shapes (token, feature) -> (token, width)."""


@dataclass(frozen=True, slots=True)
class Autoencoder:
    """An SAE of sae-lens, in training or read back."""

    sae: Any

    @torch.inference_mode()
    def encode(self, activations: Floats) -> Floats:
        """As `Coder`."""
        found: Floats = self.sae.encode(torch.from_numpy(np.ascontiguousarray(activations))).numpy()
        return found

    @torch.inference_mode()
    def decode(self, features: Floats) -> Floats:
        """As `Coder`."""
        found: Floats = self.sae.decode(torch.from_numpy(features)).numpy()
        return found

    @property
    def directions(self) -> Floats:
        """Return what each feature writes. Shape (feature, width)."""
        found: Floats = self.sae.W_dec.detach().numpy()
        return found


@dataclass(frozen=True, slots=True)
class Dictionary(Autoencoder):
    """An autoencoder that was read by its digest."""

    digest: str
    about: About


@dataclass(frozen=True, slots=True)
class Principal:
    """The first principal components: the best that as many dense directions can do.

    Attributes:
        directions: (component, width), orthonormal.
    """

    mean: Floats
    directions: Floats

    def encode(self, activations: Floats) -> Floats:
        """As `Coder`."""
        found: Floats = np.matmul(activations - self.mean, self.directions.T, dtype=np.float32)
        return found

    def decode(self, features: Floats) -> Floats:
        """As `Coder`."""
        found: Floats = np.matmul(features, self.directions, dtype=np.float32) + self.mean
        return found


def principal_of(activations: Floats, rank: int) -> Principal:
    """Return the first `rank` principal components of activations (token, width)."""
    data = activations.astype(np.float64)
    mean = data.mean(axis=0)
    _, vectors = np.linalg.eigh((data - mean).T @ (data - mean) / len(data))  # smallest variance first
    first = vectors[:, ::-1][:, :rank].T
    return Principal(mean.astype(np.float32), np.ascontiguousarray(first, dtype=np.float32))


def in_chunks(activations: Floats, size: int = CHUNK) -> Iterator[Floats]:
    """Yield the tokens a chunk at a time."""
    for start in range(0, len(activations), size):
        yield activations[start : start + size]


def by_chunks(call: Callable[[Floats], Floats], activations: Floats) -> Floats:
    """Call once a chunk and put the results together."""
    return np.concatenate([call(each) for each in in_chunks(activations)])
