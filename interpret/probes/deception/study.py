"""The measuring part: fits a direction on statements of one domain, and reads it in those of another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from interpret import statistics
from interpret.contracts import ProbeSpecification, Want
from interpret.errors import ProbeError
from interpret.probes.deception.prompt_sets import StatementSet
from interpret.probes.deception.statements import (
    DELETED,
    KEPT,
    MISLED,
    TRUTHFUL,
    Domains,
    Statement,
    write_statements,
)
from interpret.probes.directions.changing import in_another_order
from interpret.probes.directions.pairs import counts_of
from interpret.probes.directions.reading import Array, Readout, fit_readout, tell_by_counts
from interpret.probes.session import ModelSession
from interpret.probes.tokenization import digest_of_tokenizer
from interpret.probes.weights import LoadedModel

BOTH: Final = (KEPT, DELETED)


class Study:
    """One set of statements and one seed's domains, on a model and its dead copy."""

    def __init__(
        self,
        prompts: StatementSet,
        models: ModelSession,
        specification: ProbeSpecification,
        given: Mapping[str, float],
        *,
        again: int,
    ) -> None:
        """Fit on the first domain and report on the second (`again` 0), or the other way round (1).

        Raises:
            StructureUntold, PairsUnequal: as `write_statements`.
        """
        self._models, self._specification, self._given = models, specification, given
        self._seed = specification.seed + again
        self._loaded = models.model(specification.model_digest)
        self.layer = int(given["depth"] * (self._loaded.shape.layers - 1))
        self._domains: Domains = write_statements(
            prompts, self._loaded.tokenizer, int(given["statements"]), seed=specification.seed, again=again
        )

    def living(self) -> dict[str, Any]:
        """Read the statements of both domains, in order and in another one; JSON values."""
        fit, report = self._domains.fit, self._domains.report
        readout = self._fit(self._loaded)
        kept, deleted = self._tells(self._loaded, readout)
        by_text_kept = tell_by_counts(*(counts_of([each.pair for each in some]) for some in (fit, report)))
        by_text = tell_by_counts(
            *(counts_of([each.without_instruction() for each in some]) for some in (fit, report))
        )
        told, text_only = np.minimum(kept, deleted), np.minimum(by_text_kept, by_text)
        return {
            "texts": [each.pair.digest() for each in report],
            "clusters": [each.pair.cluster for each in report],
            "found_on": [name for each in fit for name in (each.pair.digest(), each.pair.cluster)],
            "fitted": len(fit),
            "left_out": self._domains.left_out,
            "tokenizer_digest": digest_of_tokenizer(self._loaded.tokenizer),
            "layer": self.layer,
            "told": told.tolist(),
            "shuffled": np.minimum(*self._tells(self._loaded, readout, shuffled=True)).tolist(),
            "text_only": text_only.tolist(),
            "p_value": statistics.p_from_sign_flips(
                told - text_only, seed=self._seed, permutations=int(self._given["permutations"])
            ),
            "rows": {
                "within": float(self._within().mean()),
                "across": float(kept.mean()),
                "across_deleted": float(deleted.mean()),
                "text": float(by_text_kept.mean()),
                "text_deleted": float(by_text.mean()),
            },
            "surprisal": [self._surprisal(text) for text in (MISLED, TRUTHFUL)],
        }

    def dead(self) -> dict[str, Any]:
        """Fit and read likewise in the dead copy; JSON values."""
        loaded = self._models.dead(self._specification.model_digest, self._seed)
        return {"told": np.minimum(*self._tells(loaded, self._fit(loaded))).tolist()}

    def _fit(self, loaded: LoadedModel) -> Readout:
        return fit_readout(self._apart(loaded, self._domains.fit, KEPT))

    def _tells(self, loaded: LoadedModel, readout: Readout, *, shuffled: bool = False) -> tuple[Array, Array]:
        """Return how surely each statement of the other domain is told, with its instruction and without."""
        kept, deleted = (
            readout.tells(self._apart(loaded, self._domains.report, sides, shuffled=shuffled))
            for sides in BOTH
        )
        return kept, deleted

    def _within(self) -> Array:
        """Return how surely statements are told by others of their own domain, half by half."""
        fit = self._domains.fit
        half = len(fit) // 2
        apart = self._apart(self._loaded, fit, KEPT)
        return fit_readout(apart[:half]).tells(apart[half:])

    def _apart(
        self,
        loaded: LoadedModel,
        statements: Sequence[Statement],
        sides: tuple[int, int],
        *,
        shuffled: bool = False,
    ) -> Array:
        """Return the mean over the ending's tokens, misled less truthful. Shape (statement, width)."""
        rows: list[list[Sequence[int]]] = [[each.pair.texts[side] for each in statements] for side in sides]
        if shuffled:
            rows = in_another_order(rows, np.random.default_rng(self._seed))
        ends = [each.answer for each in statements]
        misled, truthful = (self._read(loaded, row, ends) for row in rows)
        apart: Array = misled - truthful
        return apart

    def _read(self, loaded: LoadedModel, texts: Sequence[Sequence[int]], ends: Sequence[int]) -> Array:
        """Return the residual at each text's last tokens, so many of it, averaged. Shape (text, width)."""
        read = np.zeros((len(texts), loaded.shape.width))
        for length, places in _by_length(texts).items():
            ids = np.asarray([texts[place] for place in places], dtype=np.int64)
            residual = self._models.passes.clean(loaded, ids, (), layers=[self.layer]).residual[self.layer]
            for row, place in enumerate(places):
                read[place] = residual[row, length - ends[place] :].mean(axis=0)
        return read

    def _surprisal(self, side: int) -> float:
        """Return how surprising the endings are after an instruction to mislead, or to be truthful, in nats a token."""
        statements, told = self._domains.report, list[float]()
        texts = [each.pair.texts[side] for each in statements]
        for places in _by_length(texts).values():
            ids = np.asarray([texts[place] for place in places], dtype=np.int64)
            surprisal = self._models.passes.clean(self._loaded, ids, {Want.SURPRISAL}).surprisal
            if surprisal is None:
                raise ProbeError("a pass kept no surprisal")
            told += [
                float(surprisal[row, -statements[place].answer :].mean()) for row, place in enumerate(places)
            ]
        return float(np.mean(told))


def _by_length(texts: Sequence[Sequence[int]]) -> dict[int, list[int]]:
    by_length = defaultdict[int, list[int]](list)
    for place, text in enumerate(texts):
        by_length[len(text)].append(place)
    return dict(sorted(by_length.items()))
