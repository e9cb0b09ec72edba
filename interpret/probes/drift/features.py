"""Features that one of two releases has more of than any feature has of a model beside itself: the A/A maximum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interpret import registry
from interpret.contracts import ProbeSpecification
from interpret.probes.drift.beside import Array, in_other_numbers
from interpret.probes.drift.study import DEAD, SAME, SHUFFLED, WORDLESS, Study
from interpret.probes.one_pass import Floats, Ids
from interpret.probes.residual import massive_tokens
from interpret.probes.session import ModelSession
from interpret.probes.weights import LoadedModel, dead_model


@dataclass(frozen=True, slots=True)
class _Tokens:
    """What two models hold at the same tokens of some texts, without those that are massive in one of them.

    Attributes:
        first, second: (token, width).
        texts: (token,), the place of its text.
    """

    first: Floats
    second: Floats
    texts: NDArray[np.int64]


class FeatureStudy:
    """Crosscoders of two models at their middle layer: found on one half of the texts, reported on the other."""

    def __init__(
        self,
        study: Study,
        models: ModelSession,
        specification: ProbeSpecification,
        given: Mapping[str, float],
        *,
        again: int,
    ) -> None:
        """Take the half of the texts that the first seed reports on (`again` 0), or the second (1).

        Raises:
            ProbeUnavailable: sae-lens is not installed here.
        """
        self._train = partial(
            registry.crosscoder(),
            features=int(given["features"]),
            active=int(given["active"]),
            samples=int(given["samples"]),
        )
        self._study, self._passes = study, models.passes
        earlier, self._material = study.earlier()
        self._layer = earlier.shape.layers // 2
        self._seed, self._dead_seed = specification.seed + again, specification.seed
        self._report, self._find = self._material.halves[::-1] if again else self._material.halves

    def measure(self) -> dict[str, Any]:
        """Return what exclusive features write, by text: of the releases and of the earlier model beside itself."""
        dead = self._dead_shares()  # first: its models are gone before the newer one comes
        newer, earlier, material = self._study.both()
        other = in_other_numbers(earlier)
        found, maximum, told = self._beside_itself(earlier, other)
        read = {
            SAME: material.ids,
            SHUFFLED: material.shuffled(self._seed),
            WORDLESS: material.wordless(),
        }
        nulls = {
            how: self._shares(found, maximum, self._tokens(earlier, other, ids, self._report))
            for how, ids in read.items()
        } | {DEAD: dead}
        ids = material.ids
        pair = self._crosscoder(self._tokens(earlier, newer, ids, self._find), 0)
        shares = self._shares(pair, maximum, self._tokens(earlier, newer, ids, self._report))
        return {
            "shares": shares.tolist(),
            "nulls": {how: {"shares": each.tolist()} for how, each in nulls.items()},
            "layer": self._layer,
            "aa_maximum": maximum,
            "most_exclusive": float(pair.exclusive.max()),
            "exclusive": int((pair.exclusive > maximum).sum()),
            "features": int(pair.fires.sum()),
            "exclusive_beside_itself": told,
        }

    def _dead_shares(self) -> Array:
        earlier, _ = self._study.earlier()
        dead = dead_model(earlier, self._dead_seed)
        other = in_other_numbers(dead)
        found, maximum, _ = self._beside_itself(dead, other)
        return self._shares(found, maximum, self._tokens(dead, other, self._material.ids, self._report))

    def _beside_itself(self, loaded: LoadedModel, other: LoadedModel) -> tuple[Any, float, int]:
        """Return a crosscoder of a model beside itself, the A/A maximum of another, and how many are beyond it."""
        tokens = self._tokens(loaded, other, self._material.ids, self._find)
        maximum = float(self._crosscoder(tokens, 1).exclusive.max())
        found = self._crosscoder(tokens, 2)
        return found, maximum, int((found.exclusive > maximum).sum())

    def _crosscoder(self, tokens: _Tokens, number: int) -> Any:
        return self._train(tokens.first, tokens.second, seed=3 * self._seed + number)

    def _shares(self, crosscoder: Any, maximum: float, tokens: _Tokens) -> Array:
        """Return which share of what features write in each text is by those beyond the maximum."""
        writes = crosscoder.writes(tokens.first, tokens.second)  # (token, feature)
        beyond = writes[:, crosscoder.exclusive > maximum].sum(axis=1)
        places = np.arange(len(self._material.names))[self._report]
        whole = np.array([writes[tokens.texts == place].sum() for place in places])
        shares: Array = np.array([beyond[tokens.texts == place].sum() for place in places])
        return shares / np.where(whole > 0, whole, 1)

    def _tokens(self, first: LoadedModel, second: LoadedModel, ids: Ids, which: slice) -> _Tokens:
        """Read some texts in both models, at the middle layer."""
        lengths = np.asarray(self._material.lengths)
        told = np.arange(ids.shape[1])[None, :] < lengths[which, None]  # (text, token)
        one, other = (
            self._read(loaded, ids[which], lengths[which].tolist())[told] for loaded in (first, second)
        )
        ordinary = ~(massive_tokens(one) | massive_tokens(other))
        texts = np.repeat(np.arange(len(lengths))[which], lengths[which])
        return _Tokens(one[ordinary], other[ordinary], texts[ordinary])

    def _read(self, loaded: LoadedModel, ids: Ids, lengths: list[int]) -> Floats:
        residual = self._passes.clean(loaded, ids, (), lengths, layers=[self._layer]).residual
        return np.asarray(residual[self._layer])
