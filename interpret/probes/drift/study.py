"""The measuring part: two releases beside each other, and the earlier one beside itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from interpret.contracts import ProbeSpecification
from interpret.probes.drift.beside import ALL, ORDINARY, Apart, Array, in_other_numbers, lie_apart
from interpret.probes.drift.material import Material, Texts, check_alike, cut
from interpret.probes.one_pass import Ids
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
        """Take what is asked; models are loaded where they are read, and no more of them held than that takes."""
        self._texts, self._models, self._specification, self._given = texts, models, specification, given
        self._against, self._states = against, states

    def both(self) -> tuple[LoadedModel, LoadedModel, Material]:
        """Return the newer model and the earlier one, and the texts as both cut them.

        Raises:
            ModelMissing: a model is not in the store.
            ModelsUnlike, StructureUntold: as `check_alike` and `cut`.
        """
        newer, earlier = self._models.models(self._specification.model_digest, self._against)
        check_alike(newer, earlier, shapes=self._states)
        return newer, earlier, self._cut(newer, earlier)

    def earlier(self) -> tuple[LoadedModel, Material]:
        """Return the earlier model alone, and the texts as it cuts them; raises as `both` does of it."""
        (earlier,) = self._models.models(self._against)
        return earlier, self._cut(earlier, earlier)

    def releases(self) -> dict[str, Any]:
        """Compare the two releases; JSON values, a number a text."""
        newer, earlier, material = self.both()
        apart = self._apart(earlier, newer, material, material.ids)
        told: dict[str, Any] = {
            "texts": material.digests(),
            "clusters": list(material.names),
            "tokens": int(sum(material.lengths)),
            "tokenizer_digest": digest_of_tokenizer(newer.tokenizer),
            "divergence": apart.divergence.tolist(),
            "other_first": apart.other_first.tolist(),
            "fired": apart.fired,
        }
        return told | self._layers(apart, apart.spread(), material)

    def itself(self) -> dict[str, Any]:
        """Compare the earlier model with itself in other numbers, on the texts, in another order, and without words."""
        earlier, material = self.earlier()
        other = in_other_numbers(earlier)
        read = {
            SAME: material.ids,
            SHUFFLED: material.shuffled(self._specification.seed),
            WORDLESS: material.wordless(),
        }
        apart = {how: self._apart(earlier, other, material, ids) for how, ids in read.items()}
        spread = apart[SAME].spread()
        return {how: self._of(each, spread, material) for how, each in apart.items()}

    def dead(self) -> dict[str, Any]:
        """Compare the earlier model's dead copy with itself in other numbers; JSON values."""
        earlier, material = self.earlier()
        dead = dead_model(earlier, self._specification.seed)
        apart = self._apart(dead, in_other_numbers(dead), material, material.ids)
        return {DEAD: self._of(apart, apart.spread(), material)}

    def _cut(self, newer: LoadedModel, earlier: LoadedModel) -> Material:
        many, length = int(self._given["texts"]), int(self._given["length"])
        return cut(self._texts, newer, earlier, many=many, length=length, seed=self._specification.seed)

    def _apart(self, first: LoadedModel, second: LoadedModel, material: Material, ids: Ids) -> Apart:
        return lie_apart(self._models.passes, first, second, ids, material.lengths, states=self._states)

    def _of(self, apart: Apart, spread: Array, material: Material) -> dict[str, Any]:
        return {"divergence": apart.divergence.tolist()} | self._layers(apart, spread, material)

    def _layers(self, apart: Apart, spread: Array, material: Material) -> dict[str, Any]:
        """Return each text's change at the layer where it is largest, and each layer's; {}: states were not read."""
        if not self._states:
            return {}
        halves = material.halves
        change = apart.change(halves, spread)  # (layer, ordinary or all, text)
        return {
            "change": change[:, ORDINARY].max(axis=0).tolist(),
            "change_with_massive": change[:, ALL].max(axis=0).tolist(),
            "layers": [change[:, ORDINARY, half].mean(axis=1).tolist() for half in halves],
            "layers_with_massive": [change[:, ALL, half].mean(axis=1).tolist() for half in halves],
            "massive": int(np.max(apart.massive)),
        }
