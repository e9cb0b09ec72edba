"""What one run may touch: models by digest, dead copies of them, and the forward passes they share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import torch

from interpret import registry
from interpret.contracts import CPU, MeasuredPart, Probe, ProbeSpecification, Want
from interpret.errors import ModelMissing
from interpret.probes.devices import check_device, device_in_words
from interpret.probes.forward import ForwardPasses
from interpret.probes.weights import LoadedModel, dead_model, library_versions, load_causal_lm

REMEMBERED: Final = 8  # of what parts of one work have in common


class ModelSession:
    """Loads a model and makes its dead copies once, however many runs ask; holds the newest of its store,
    and two of them where a probe compares them.

    A worker keeps one session, so that runs on the same model also share the forward passes they have in common.
    """

    def __init__(
        self,
        store: Path | None = None,
        *,
        loaded: Mapping[str, LoadedModel] | None = None,
        wants: Iterable[Want] = (),
        threads: int = 0,
        device: str = CPU,
    ) -> None:
        """Take models from `store`, and those of `loaded` (digest -> model) as they are.

        Args:
            wants: what every clean forward pass keeps, so that several probes share one.
            threads: torch's, from now on in this process; 0: as they are.
            device: where models of the store and their dead copies are put: "cpu", "cuda" or "cuda:N".

        Raises:
            DeviceMissing: the device is not there.
        """
        check_device(device)
        if threads:
            torch.set_num_threads(threads)
        self._store, self._device = store, device
        self._models = dict(loaded or {})
        self._from_store: set[str] = set()  # digests of the models that were loaded from the store
        self._dead: dict[tuple[str, int], LoadedModel] = {}
        self._remembered: dict[object, Any] = {}
        self.passes = ForwardPasses(wants)

    def measure(self, probe: Probe, specification: ProbeSpecification, part: str) -> MeasuredPart:
        """Do one part of a probe's work, and say with what it was done.

        Passes over prompts keep what any probe that reads prompts asks of them: the next run of a plan finds it made.

        Raises:
            ProbeError: as the probe does.
        """
        before = self.passes.made
        with self.passes.keeping(registry.wants_of_prompts() if specification.inputs else ()):
            numbers = probe.measure(specification, self, part)
        return MeasuredPart(
            part,
            probe.code_version,
            numbers,
            library_versions(),
            torch.get_num_threads(),
            self.passes.made - before,
            device_in_words(self._device),
        )

    def remembered(self, key: object, make: Callable[[], Any]) -> Any:
        """Return what `make` gives, made once for the newest keys: parts of one work build on the same search."""
        if key not in self._remembered:
            self._remembered[key] = make()
            while len(self._remembered) > REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
        return self._remembered[key]

    def model(self, digest: str) -> LoadedModel:
        """Return the model with this digest, with eager attention.

        Raises:
            ModelMissing: neither given nor in the store.
            DigestMismatch: the bytes in the store are others.
        """
        if digest not in self._models:
            self._forget_stored(but=())
            self._load(digest)
        return self._models[digest]

    def models(self, *digests: str) -> tuple[LoadedModel, ...]:
        """Return several models, and hold no others of the store beside them; raises as `model` does."""
        self._forget_stored(but=digests)
        for digest in digests:
            if digest not in self._models:
                self._load(digest)
        return tuple(self._models[digest] for digest in digests)

    def dead(self, digest: str, seed: int) -> LoadedModel:
        """Return the model with its weights shuffled inside each matrix; raises as `model` does."""
        key = (digest, seed)
        if key not in self._dead:
            self._dead[key] = dead_model(self.model(digest), seed)
        return self._dead[key]

    def _load(self, digest: str) -> None:
        if self._store is None:
            raise ModelMissing(f"no model {digest} in this session, and it has no store")
        self._models[digest] = load_causal_lm(self._store, digest, attention="eager", device=self._device)
        self._from_store.add(digest)

    def _forget_stored(self, *, but: Collection[str]) -> None:
        """Make room: half a gigabyte a model and copy would not stop growing in a worker."""
        for digest in self._from_store - {*but}:
            del self._models[digest]
            self._dead = {key: copy for key, copy in self._dead.items() if key[0] != digest}
            self._from_store.remove(digest)
