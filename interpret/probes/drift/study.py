"""The measuring part: two releases beside each other, and the earlier one beside itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from interpret.contracts import ProbeSpecification
from interpret.probes.drift.beside import ALL, ORDINARY, Apart, Array, in_other_numbers, lie_apart
from interpret.probes.drift.material import Material, Texts, check_alike, cut
from interpret.probes.forward import Ids
from interpret.probes.session import ModelSession
from interpret.probes.tokenization import digest_of_tokenizer
from interpret.probes.weights import LoadedModel, dead_model

SAME, SHUFFLED, WORDLESS, DEAD = (
    "same",
    "shuffled",
    "wordless",
    "dead",
)  # how the earlier one reads beside itself
ITSELF: Final = (SAME, SHUFFLED, WORDLESS)


class Study:
    """Two models on one set of texts."""

    def __init__(
        self,
        texts: Texts,
        models: ModelSession,
        specification: ProbeSpecification,
        given: Mapping[str, float],
        *,
        against: str,
        states: bool,
    ) -> None:
        """Cut the texts as both models read them.

        Raises:
            ModelMissing: a model is not in the store.
            ModelsUnlike, StructureUntold: as `check_alike` and `cut`.
        """
        self._models, self._specification, self._states = models, specification, states
        self._newer, self._earlier = models.models(specification.model_digest, against)
        check_alike(self._newer, self._earlier, shapes=states)
        self.material: Material = cut(
            texts,
            self._newer,
            self._earlier,
            many=int(given["texts"]),
            length=int(given["length"]),
            seed=specification.seed,
        )

    def releases(self) -> dict[str, Any]:
        """Compare the two releases; JSON values, a number a text."""
        material = self.material
        apart = self._apart(self._earlier, self._newer, material.ids)
        told: dict[str, Any] = {
            "texts": material.digests(),
            "clusters": list(material.names),
            "tokens": int(sum(material.lengths)),
            "tokenizer_digest": digest_of_tokenizer(self._newer.tokenizer),
            "divergence": apart.divergence.tolist(),
            "other_first": apart.other_first.tolist(),
            "fired": apart.fired,
        }
        return told | (self._layers(apart, apart.spread()) if self._states else {})

    def itself(self) -> dict[str, Any]:
        """Compare the earlier model with itself in other numbers, on the texts, in another order, and without words."""
        material, other = self.material, in_other_numbers(self._earlier)
        read = {
            SAME: material.ids,
            SHUFFLED: material.shuffled(self._specification.seed),
            WORDLESS: material.wordless(),
        }
        apart = {how: self._apart(self._earlier, other, ids) for how, ids in read.items()}
        spread = apart[SAME].spread()
        return {how: self._of(each, spread) for how, each in apart.items()}

    def dead(self) -> dict[str, Any]:
        """Compare the earlier model's dead copy with itself in other numbers; JSON values."""
        dead = dead_model(self._earlier, self._specification.seed)
        apart = self._apart(dead, in_other_numbers(dead), self.material.ids)
        return {DEAD: self._of(apart, apart.spread())}

    def _apart(self, first: LoadedModel, second: LoadedModel, ids: Ids) -> Apart:
        return lie_apart(self._models.passes, first, second, ids, self.material.lengths, states=self._states)

    def _of(self, apart: Apart, spread: Array) -> dict[str, Any]:
        told: dict[str, Any] = {"divergence": apart.divergence.tolist()}
        return told | (self._layers(apart, spread) if self._states else {})

    def _layers(self, apart: Apart, spread: Array) -> dict[str, Any]:
        """Return each text's change at the layer where it is largest, and each layer's over the texts."""
        halves = self.material.halves
        change = apart.change(halves, spread)  # (layer, ordinary or all, text)
        return {
            "change": change[:, ORDINARY].max(axis=0).tolist(),
            "change_with_massive": change[:, ALL].max(axis=0).tolist(),
            "layers": [change[:, ORDINARY, half].mean(axis=1).tolist() for half in halves],
            "layers_with_massive": [change[:, ALL, half].mean(axis=1).tolist() for half in halves],
            "massive": int(np.max(apart.massive)),
        }
