"""What one run may touch: models by digest, their random twins, and the forward passes they share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from interpret.errors import ModelMissing
from interpret.probes.forward import ForwardPasses, Want
from interpret.probes.weights import LoadedModel, load_causal_lm, random_twin


class ModelSession:
    """Loads each model and makes each random twin once; holds them as long as it lives."""

    def __init__(
        self,
        store: Path | None = None,
        *,
        loaded: Mapping[str, LoadedModel] | None = None,
        wants: Iterable[Want] = (),
    ) -> None:
        """Take models from `store`, and those of `loaded` (digest -> model) as they are.

        Args:
            wants: what every clean forward pass keeps, so that several probes share one.
        """
        self._store = store
        self._models = dict(loaded or {})
        self._twins: dict[tuple[str, int], LoadedModel] = {}
        self.passes = ForwardPasses(wants)

    def model(self, digest: str) -> LoadedModel:
        """Return the model with this digest, with eager attention.

        Raises:
            ModelMissing: neither given nor in the store.
            DigestMismatch: the bytes in the store are others.
        """
        if digest not in self._models:
            if self._store is None:
                raise ModelMissing(f"no model {digest} in this session, and it has no store")
            self._models[digest] = load_causal_lm(self._store, digest, attention="eager")
        return self._models[digest]

    def twin(self, digest: str, seed: int) -> LoadedModel:
        """Return the randomly initialised model of the same shape; raises as `model` does."""
        key = (digest, seed)
        if key not in self._twins:
            self._twins[key] = random_twin(self.model(digest), seed)
        return self._twins[key]
