"""The measuring part: fits a direction on some pairs, reads it and changes it in others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
from interpret.probes.directions.reading import Array, Readout, fit_readout, random_directions, tell_by_counts
from interpret.probes.dose import BEYOND, SHARES, WHOLE, by_dose, places_of_placebos
from interpret.probes.proxies.beside import tell_by_features
from interpret.probes.proxies.prompt_sets import PromptSet
from interpret.probes.residual import spread_of
from interpret.probes.session import ModelSession
from interpret.probes.tokenization import digest_of_tokenizer
from interpret.probes.weights import LoadedModel


@dataclass(frozen=True, slots=True)
class Fitted:
    """What one model's fitting pairs gave.

    Attributes:
        middle: mean amount of the direction, over both sides.
        sign: 1 where the first side has the larger log-odds on average, else -1.
        residual: (side, pair, width).
        gap: mean difference of the log-odds, first side less second.
    """

    readout: Readout
    middle: float
    sign: int
    residual: Array
    gap: float


@dataclass(frozen=True, slots=True)
class Change:
    """What steps along each of some directions do to each pair, in log-odds; arrays are (direction, pair).

    Attributes:
        removed: by how much the difference between the sides shrinks.
        ways: how far the answer moves towards the other side's: from the first side, and from the second.
    """

    removed: Array
    ways: tuple[Array, Array]

    @property
    def exchanged(self) -> Array:
        """Return how far it moves towards the other side's, of both ways the lesser."""
        lesser: Array = np.minimum(*self.ways)
        return lesser

    @property
    def back(self) -> Array:
        """Return how far it moves the other way."""
        lesser: Array = -np.maximum(*self.ways)
        return lesser

    def either_way(self) -> tuple[Array, Array]:
        """Return what each direction comes to over all pairs, with the sign that gives more: removed, and exchanged."""
        exchanged: Array = np.maximum(self.exchanged.mean(axis=1), self.back.mean(axis=1))
        return np.abs(self.removed.mean(axis=1)), exchanged


class Study:
    """One prompt set and one seed's pairs, on a model and its dead copy."""

    def __init__(
        self,
        prompts: PromptSet,
        models: ModelSession,
        specification: ProbeSpecification,
        given: Mapping[str, float],
        *,
        again: int,
    ) -> None:
        """Make the pairs of the first seed (`again` 0) or of the second (1).

        Raises:
            StructureUntold, PairsUnequal: as `pair_up`.
        """
        self._prompts, self._models, self._specification, self._given = prompts, models, specification, given
        self._again, self._seed = again, specification.seed + again
        self._loaded = models.model(specification.model_digest)
        self.layer = int(given["depth"] * (self._loaded.shape.layers - 1))
        pairs = int(given["pairs"])
        self._material: Material = pair_up(
            prompts, self._loaded.tokenizer, pairs, seed=specification.seed, again=again
        )

    def living(self) -> dict[str, Any]:
        """Read the reporting pairs, in order and in another one, and change the direction in them; JSON values."""
        site, fitted = self._site(self._loaded), self._fitted()
        seen = self._seen(site)
        shuffled = self._see(site, 2, shuffled=True)
        text_only = self._text_only()
        told, given = fitted.readout.tells(seen.apart), self._given
        report = self._material.report
        changes = self._changes(site, seen, fitted)
        return (
            self._found(fitted)
            | {
                "texts": [pair.digest() for pair in report],
                "clusters": [pair.cluster for pair in report],
                "found_on": [pair.digest() for pair in self._material.fit],
                "fitted": len(self._material.fit),
                "left_out": self._material.left_out,
                "tokenizer_digest": digest_of_tokenizer(self._loaded.tokenizer),
                "gap": (fitted.sign * (seen.odds[FIRST] - seen.odds[SECOND])).tolist(),
                "odds": [float(seen.odds[side].mean()) for side in (FIRST, SECOND)],
                "told": told.tolist(),
                "told_shuffled": fitted.readout.tells(shuffled.apart).tolist(),
                "told_by_text": text_only.tolist(),
                "p_value": statistics.p_from_sign_flips(
                    told - text_only, seed=self._seed, permutations=int(given["permutations"])
                ),
                "shuffled": self._changes(site, shuffled, fitted),
                "neutral": self._neutral(site, seen, fitted),
                "beside": self._beside(fitted, seen),
                "fired": dict(site.fired),
                "massive": spread_of(
                    fitted.residual.reshape(-1, fitted.residual.shape[-1]).astype(np.float32)
                ).massive,
            }
            | changes
            | ({} if self._again else {"doses": self._doses(site, seen, fitted)})
        )

    def dead(self) -> dict[str, Any]:
        """Fit, read and change likewise in the dead copy; JSON values."""
        loaded = self._models.dead(self._specification.model_digest, self._seed)
        site = self._site(loaded)
        fitted, seen = self._fit(site), self._see(site, 2)
        return {"told": fitted.readout.tells(seen.apart).tolist()} | self._changes(site, seen, fitted)

    def control(self, part: slice) -> dict[str, Any]:
        """Change as much along a part of the random directions; JSON values: what each comes to, in either way."""
        site, fitted = self._site(self._loaded), self._fitted()
        seen = self._seen(site)
        done = self._change(site, seen, fitted, self._drawn(fitted)[part])
        removed, exchanged = done.either_way()
        return self._found(fitted) | {"removed": removed.tolist(), "exchanged": exchanged.tolist()}

    def _drawn(self, fitted: Fitted) -> Array:
        """Return the random directions. Shape (direction, width)."""
        draws, rng = int(self._given["control_draws"]), np.random.default_rng(self._seed)
        return random_directions(fitted.residual, fitted.readout.direction, draws, rng)

    def _doses(self, site: AnswerSite, seen: Seen, fitted: Fitted) -> dict[str, Any]:
        """Remove less of the direction, exchange less and more of it, and of some random ones; JSON values.

        More than all of it cannot be taken away, so what is removed has no dose beyond 1.
        """
        drawn = self._drawn(fitted)
        along = np.stack([fitted.readout.direction, *drawn[places_of_placebos(len(drawn))]])
        tried = {dose: self._change(site, seen, fitted, along, dose) for dose in (*SHARES, *BEYOND)}
        placebos = {dose: done.either_way() for dose, done in tried.items()}
        return {
            "removed": {
                "values": by_dose({dose: tried[dose].removed[0] for dose in SHARES}),
                "placebos": by_dose({dose: placebos[dose][0][1:] for dose in SHARES}),
            },
            "exchanged": {
                "values": by_dose({dose: done.exchanged[0] for dose, done in tried.items()}),
                "placebos": by_dose({dose: exchanged[1:] for dose, (_, exchanged) in placebos.items()}),
            },
        }

    def _found(self, fitted: Fitted) -> dict[str, Any]:
        """Return what workers must agree on."""
        return {"found": {"layer": self.layer, "sign": fitted.sign, "gap": round(fitted.gap, 3)}}

    def _fitted(self) -> Fitted:
        """Return what the model's fitting pairs gave; a process fits once."""
        asked = self._specification
        key = ("proxies", self._prompts.name, asked.model_digest, asked.seed, self._again, str(self._given))
        fitted: Fitted = self._models.remembered(key, lambda: self._fit(self._site(self._loaded)))
        return fitted

    def _seen(self, site: AnswerSite) -> Seen:
        """Return the reporting pairs as the model reads them; a process reads them once."""
        asked = self._specification
        key = ("seen", self._prompts.name, asked.model_digest, asked.seed, self._again, str(self._given))
        seen: Seen = self._models.remembered(key, lambda: self._see(site, 4))
        return seen

    def _site(self, loaded: LoadedModel) -> AnswerSite:
        return AnswerSite(self._models.passes, loaded, self.layer, self._material.answers)

    def _fit(self, site: AnswerSite) -> Fitted:
        seen = see(site, rows_of(self._material.fit, 2))
        readout, gap = fit_readout(seen.apart), float((seen.odds[FIRST] - seen.odds[SECOND]).mean())
        middle = float((seen.residual @ readout.direction).mean())
        return Fitted(readout, middle, 1 if gap >= 0 else -1, seen.residual, gap)

    def _see(self, site: AnswerSite, sides: int, *, shuffled: bool = False) -> Seen:
        """Read so many texts of each reporting pair, all in the same other order where they are `shuffled`."""
        rows = rows_of(self._material.report, sides)
        return see(site, in_another_order(rows, np.random.default_rng(self._seed)) if shuffled else rows)

    def _text_only(self) -> Array:
        """Return how surely the text alone tells the reporting pairs: by its tokens, letters and length."""
        return tell_by_counts(counts_of(self._material.fit), counts_of(self._material.report))

    def _beside(self, fitted: Fitted, seen: Seen) -> dict[str, Any]:
        """Return what the best single feature of a dictionary tells; JSON values."""
        report = seen.residual[[FIRST, SECOND]]
        return tell_by_features(self._specification.model_digest, self.layer, fitted.residual, report)

    def _changes(self, site: AnswerSite, seen: Seen, fitted: Fitted) -> dict[str, Any]:
        """Return what changing the direction itself does to each pair; JSON values."""
        done = self._change(site, seen, fitted, fitted.readout.direction[None])
        ways = [float(way.mean()) for way in done.ways]
        return {"removed": done.removed[0].tolist(), "exchanged": done.exchanged[0].tolist(), "ways": ways}

    def _change(
        self, site: AnswerSite, seen: Seen, fitted: Fitted, along: Array, dose: float = WHOLE
    ) -> Change:
        """Remove and exchange what there is of the direction, by a step as long along each of others."""
        moved = self._move(site, seen, fitted, along, EXCHANGED, dose)
        gap = seen.odds[FIRST] - seen.odds[SECOND]
        left = moved[FIRST, FIRST] - moved[SECOND, SECOND]
        ways = (
            fitted.sign * (seen.odds[FIRST] - moved[FIRST, SECOND]),
            fitted.sign * (moved[SECOND, FIRST] - seen.odds[SECOND]),
        )
        return Change(fitted.sign * (gap - left), ways)

    def _neutral(self, site: AnswerSite, seen: Seen, fitted: Fitted) -> dict[str, Any]:
        """Do the same between two words of one side, whatever the sign: of both sides the larger."""
        moved = self._move(site, seen, fitted, fitted.readout.direction[None], NEUTRAL)
        removed, exchanged = list[Array](), list[Array]()
        for one, other in NEUTRAL:
            gap, left = seen.odds[one] - seen.odds[other], moved[one, one] - moved[other, other]
            removed.append(np.abs(gap - left)[0])
            exchanged.append(np.abs(seen.odds[one] - moved[one, other])[0])
        return {"removed": np.maximum(*removed).tolist(), "exchanged": np.maximum(*exchanged).tolist()}

    def _move(
        self,
        site: AnswerSite,
        seen: Seen,
        fitted: Fitted,
        along: Array,
        pairs: tuple[tuple[int, int], ...],
        dose: float = WHOLE,
    ) -> dict[tuple[int, int], Array]:
        """Return log-odds by (text, whose amount it has), each (direction, pair); its own name twice: it is removed.

        Args:
            along: (direction, width), in which the steps are made.
        """
        amount = seen.residual @ fitted.readout.direction  # (text of a pair, pair)
        wanted = [*pairs, *((text, text) for text in sorted({text for both in pairs for text in both}))]
        goals = [
            (text, amount[other] if text != other else np.full(amount.shape[1], fitted.middle))
            for text, other in wanted
        ]
        return dict(zip(wanted, move(site, seen, amount, goals, along, dose), strict=True))
