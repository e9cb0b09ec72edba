"""The measuring part: fits a direction on some requests, reads it in others and their contexts, and changes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from interpret import statistics
from interpret.contracts import ProbeSpecification
from interpret.probes.answering import AnswerSite
from interpret.probes.directions.changing import (
    EXCHANGED,
    FIRST,
    NEUTRAL,
    SECOND,
    Seen,
    in_another_order,
    move,
    rows_of,
    see,
)
from interpret.probes.directions.pairs import Material, counts_of, pair_up
from interpret.probes.directions.reading import (
    Array,
    Readout,
    fit_readout,
    random_directions,
    tell_by_counts,
)
from interpret.probes.dose import BEYOND, SHARES, WHOLE, by_dose, places_of_placebos
from interpret.probes.refusal.beside import tell_triggered
from interpret.probes.refusal.contexts import OTHER_PLACEBO, PLACEBO, PRESSING, InContext, put_in_contexts
from interpret.probes.refusal.prompt_sets import RefusalSet
from interpret.probes.residual import spread_of
from interpret.probes.session import ModelSession
from interpret.probes.tokenization import digest_of_tokenizer
from interpret.probes.weights import LoadedModel

TEXTS: Final = 3  # of a request in contexts


@dataclass(frozen=True, slots=True)
class Fitted:
    """What one model's fitting pairs gave; `residual` is (side, pair, width)."""

    readout: Readout
    residual: Array
    gap: float  # mean refusal log-odds of requests to refuse, less those of near misses


class Study:
    """One prompt set and one seed's requests, on a model and its dead copy."""

    def __init__(
        self,
        prompts: RefusalSet,
        models: ModelSession,
        specification: ProbeSpecification,
        given: Mapping[str, float],
        *,
        again: int,
    ) -> None:
        """Make the requests of the first seed (`again` 0) or of the second (1).

        Raises:
            StructureUntold, PairsUnequal: as `pair_up` and `put_in_contexts`.
        """
        self._prompts, self._models, self._specification, self._given = prompts, models, specification, given
        self._again, self._seed = again, specification.seed + again
        self._loaded = models.model(specification.model_digest)
        self.layer = int(given["depth"] * (self._loaded.shape.layers - 1))
        tokenizer = self._loaded.tokenizer
        self._material: Material = pair_up(
            prompts, tokenizer, int(given["pairs"]), seed=specification.seed, again=again
        )
        self._contexts: tuple[InContext, ...] = put_in_contexts(
            prompts, tokenizer, self._material.report, seed=self._seed
        )

    def living(self) -> dict[str, Any]:
        """Read requests and contexts, in order and in another one, and change the direction in them; JSON values."""
        site, fitted = self._site(self._loaded), self._fitted()
        seen, shuffled = self._seen(site), see(site, self._shuffled(rows_of(self._material.report, 2)))
        report, fit = self._material.report, self._material.fit
        told, by_text = fitted.readout.tells(seen.apart), tell_by_counts(counts_of(fit), counts_of(report))
        return (
            self._found(fitted)
            | {
                "texts": [pair.digest() for pair in report],
                "clusters": [pair.cluster for pair in report],
                "found_on": [name for pair in fit for name in (pair.digest(), pair.cluster)],
                "fitted": len(fit),
                "left_out": self._material.left_out,
                "own_near_misses": sum(pair.words in self._own for pair in report) / len(report),
                "tokenizer_digest": digest_of_tokenizer(self._loaded.tokenizer),
                "odds": [float(seen.odds[side].mean()) for side in (FIRST, SECOND)],
                "refused": [float((seen.odds[side] > 0).mean()) for side in (FIRST, SECOND)],
                "told": told.tolist(),
                "told_shuffled": fitted.readout.tells(shuffled.apart).tolist(),
                "told_by_text": by_text.tolist(),
                "p_value": self._p_value(told - by_text),
                "shuffled": self._changes(site, shuffled, fitted),
                "neutral": self._neutral(site, seen, fitted),
                "contexts": self._in_contexts(site, fitted),
                "fired": dict(site.fired),
                "massive": spread_of(
                    fitted.residual.reshape(-1, fitted.residual.shape[-1]).astype(np.float32)
                ).massive,
            }
            | self._changes(site, seen, fitted)
            | ({} if self._again else {"doses": self._doses(site, seen, fitted)})
        )

    def dead(self) -> dict[str, Any]:
        """Fit, read and change likewise in the dead copy; JSON values."""
        site = self._site(self._models.dead(self._specification.model_digest, self._seed))
        fitted, seen = self._fit(site), see(site, rows_of(self._material.report, 2))
        swayed = self._sways(see(site, self._rows_in_contexts()), fitted.readout)
        return {
            "told": fitted.readout.tells(seen.apart).tolist(),
            "swayed": swayed.tolist(),
        } | self._changes(site, seen, fitted)

    def control(self, part: slice) -> dict[str, Any]:
        """Change as much along a part of the random directions; JSON values: what each comes to, in either way."""
        site, fitted = self._site(self._loaded), self._fitted()
        ways = self._ways(site, self._seen(site), fitted, self._drawn(fitted)[part])
        ablated, added = (_either_way(way).tolist() for way in ways)
        return self._found(fitted) | {"ablated": ablated, "added": added}

    def _drawn(self, fitted: Fitted) -> Array:
        """Return the random directions. Shape (direction, width)."""
        draws, rng = int(self._given["control_draws"]), np.random.default_rng(self._seed)
        return random_directions(fitted.residual, fitted.readout.direction, draws, rng)

    def _doses(self, site: AnswerSite, seen: Seen, fitted: Fitted) -> dict[str, Any]:
        """Change less and more of the direction, and as much along some of the random ones; JSON values."""
        drawn = self._drawn(fitted)
        along = np.stack([fitted.readout.direction, *drawn[places_of_placebos(len(drawn))]])
        tried = {dose: self._ways(site, seen, fitted, along, dose) for dose in (*SHARES, *BEYOND)}
        return {
            name: {
                "values": by_dose({dose: ways[which][0] for dose, ways in tried.items()}),
                "placebos": by_dose({dose: _either_way(ways[which][1:]) for dose, ways in tried.items()}),
            }
            for which, name in enumerate(("ablated", "added"))
        }

    @property
    def _own(self) -> set[tuple[str, str]]:
        return set(zip(*self._prompts.words, strict=True))

    def _found(self, fitted: Fitted) -> dict[str, Any]:
        """Return what workers must agree on."""
        return {"found": {"layer": self.layer, "gap": round(fitted.gap, 3)}}

    def _fitted(self) -> Fitted:
        """Return what the model's fitting pairs gave; a process fits once."""
        fitted: Fitted = self._models.remembered(
            self._key("fitted"), lambda: self._fit(self._site(self._loaded))
        )
        return fitted

    def _seen(self, site: AnswerSite) -> Seen:
        """Return the reporting pairs as the model reads them; a process reads them once."""
        seen: Seen = self._models.remembered(
            self._key("seen"), lambda: see(site, rows_of(self._material.report, 4))
        )
        return seen

    def _key(self, what: str) -> tuple[object, ...]:
        asked = self._specification
        return (
            "refusal", what, self._prompts.name, asked.model_digest, asked.seed, self._again, str(self._given),
        )  # fmt: skip

    def _site(self, loaded: LoadedModel) -> AnswerSite:
        return AnswerSite(self._models.passes, loaded, self.layer, self._material.answers)

    def _fit(self, site: AnswerSite) -> Fitted:
        seen = see(site, rows_of(self._material.fit, 2))
        return Fitted(
            fit_readout(seen.apart), seen.residual, float((seen.odds[FIRST] - seen.odds[SECOND]).mean())
        )

    def _shuffled(self, rows: list[Any]) -> list[Any]:
        return in_another_order(rows, np.random.default_rng(self._seed))

    def _p_value(self, differences: Array) -> float:
        permutations = int(self._given["permutations"])
        return statistics.p_from_sign_flips(differences, seed=self._seed, permutations=permutations)

    def _rows_in_contexts(self) -> list[Any]:
        return [[each.texts[text] for each in self._contexts] for text in range(TEXTS)]

    def _in_contexts(self, site: AnswerSite, fitted: Fitted) -> dict[str, Any]:
        """Return how surely a request that is pressed for holds less than in as long a context; JSON values."""
        rows = self._rows_in_contexts()
        seen, shuffled = see(site, rows), see(site, self._shuffled(rows))
        swayed, by_text = self._sways(seen, fitted.readout), self._swayed_by_text()
        apart = fitted.readout.tells(seen.residual[PLACEBO] - seen.residual[OTHER_PLACEBO])
        text_only = np.maximum(by_text, np.maximum(apart, 1 - apart))
        return {
            "texts": [each.digest() for each in self._contexts],
            "clusters": [each.cluster for each in self._contexts],
            "swayed": swayed.tolist(),
            "shuffled": self._sways(shuffled, fitted.readout).tolist(),
            "text_only": text_only.tolist(),
            "p_value": self._p_value(swayed - text_only),
            "odds": [float(odds.mean()) for odds in seen.odds],
            "beside": tell_triggered(self._specification.model_digest, self.layer, seen.residual, self._seed),
        }

    def _sways(self, seen: Seen, readout: Readout) -> Array:
        placebo = (seen.residual[PLACEBO] + seen.residual[OTHER_PLACEBO]) / 2
        return readout.tells(placebo - seen.residual[PRESSING])

    def _swayed_by_text(self) -> Array:
        """Return how surely the words alone, fitted likewise, tell a request in a placebo from one pressed for."""
        counted = [
            [Counter(f"token {token}" for token in each.texts[text]) for text in (PLACEBO, PRESSING)]
            for each in self._contexts
        ]
        return tell_by_counts(counts_of(self._material.fit), counted)

    def _changes(self, site: AnswerSite, seen: Seen, fitted: Fitted) -> dict[str, Any]:
        """Return what changing the direction itself does to each pair; JSON values."""
        ablated, added = self._ways(site, seen, fitted, fitted.readout.direction[None])
        return {"ablated": ablated[0].tolist(), "added": added[0].tolist()}

    def _ways(
        self, site: AnswerSite, seen: Seen, fitted: Fitted, along: Array, dose: float = WHOLE
    ) -> tuple[Array, Array]:
        """Return how far refusal falls where a request gets its near miss's amount, and rises where that gets its own.

        Both of shape (direction, pair), in log-odds.
        """
        amount = seen.residual @ fitted.readout.direction
        goals = [(text, amount[other]) for text, other in EXCHANGED]
        less, more = move(site, seen, amount, goals, along, dose)
        return seen.odds[FIRST] - less, more - seen.odds[SECOND]

    def _neutral(self, site: AnswerSite, seen: Seen, fitted: Fitted) -> dict[str, Any]:
        """Do the same between two texts of one side, whatever the sign."""
        amount = seen.residual @ fitted.readout.direction
        along = fitted.readout.direction[None]
        moved = move(site, seen, amount, [(text, amount[other]) for text, other in NEUTRAL], along)
        ablated, added = (
            np.abs(seen.odds[text] - odds[0]).tolist() for (text, _), odds in zip(NEUTRAL, moved, strict=True)
        )
        return {"ablated": ablated, "added": added}


def _either_way(way: Array) -> Array:
    """Return what each direction comes to over all pairs, with the sign that gives more. Shape (direction,)."""
    more: Array = np.abs(way.mean(axis=1))
    return more
