"""The measuring part: finds heads on one half of the sequences, reports and ablates them on the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from interpret import statistics
from interpret.contracts import ProbeSpecification, Want
from interpret.errors import ProbeError
from interpret.probes.dose import SHARES, by_dose, places_of_placebos
from interpret.probes.forward import kept
from interpret.probes.head_sets import (
    draw_other_sets,
    head_at,
    mean_ablation,
    rows_of,
    those_that_do_something,
)
from interpret.probes.induction.repeats import (
    Repeats,
    ablation_cost,
    compare_periods,
    make_repeats,
    prefix_scores,
    split,
)
from interpret.probes.one_pass import Floats
from interpret.probes.session import ModelSession
from interpret.probes.sites import Head
from interpret.probes.weights import LoadedModel

SCREENED: Final = (
    8  # sequences of the finding split, on which it is asked which of the found heads do something
)
TO_FIND: Final = frozenset({Want.ATTENTION, Want.HEAD_MEANS})
TO_REPORT: Final = frozenset({Want.ATTENTION, Want.SURPRISAL})


@dataclass(frozen=True, slots=True)
class Found:
    """What one model's finding split gave: its best heads, and a replacement for each head's output."""

    heads: tuple[Head, ...]  # best first
    n_significant: int  # heads with q <= 0.05 among all
    n_heads: int
    means: Floats  # (layer, head, head width)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the first seed's finding split chose, in the model itself."""

    found: Found
    ablated: tuple[Head, ...]  # those of the found heads that each do something


class Study:
    """One seed's sequences on one model and its dead copy; what is asked about is what the first seed chose."""

    def __init__(
        self,
        models: ModelSession,
        specification: ProbeSpecification,
        given: Mapping[str, float],
        *,
        again: int,
    ) -> None:
        """Draw the sequences of the first seed (`again` 0) or of the second (1)."""
        self._models, self._specification, self._given = models, specification, given
        self._seed = specification.seed + again
        self._loaded = models.model(specification.model_digest)
        sizes = (int(given["sequences"]), int(given["length"]), self._loaded.shape.vocabulary)
        self.find_on, self._report_on = split(make_repeats(*sizes, seed=self._seed))
        self._before = Study(models, specification, given, again=0) if again else None

    @property
    def _first(self) -> Study:
        return self._before or self

    def chosen(self) -> Chosen:
        """Return the heads that the first seed chose; a process searches once."""
        asked = self._specification
        key = ("induction", asked.model_digest, asked.seed, tuple(sorted(self._given.items())))
        chosen: Chosen = self._models.remembered(key, self._first.choose)
        return chosen

    def search(self) -> dict[str, Any]:
        """Measure the chosen heads on the reporting split, in order and in another one; JSON values."""
        chosen = self.chosen()
        found = self._find(self._loaded) if self._before else chosen.found
        heads, ablated = chosen.found.heads, chosen.ablated
        clean = self._models.passes.clean(self._loaded, self._report_on.ids, TO_REPORT)
        scores = prefix_scores(kept(clean.attention), self._report_on.periods)
        told = {
            "heads": [str(head) for head in heads],
            "ablated": [str(head) for head in ablated],
            "searched": found.n_heads,
            "significant": found.n_significant,
            "found_again": [str(head) for head in heads if head in found.heads],
            "periods": self._report_on.periods.tolist(),
            "texts": self._report_on.texts(),
            "found_on": self._first.find_on.texts(),
            "digest": self._report_on.digest(),
            "heat_map": scores[:, *_diagonal(scores)]
            .mean(axis=1)
            .reshape(self._loaded.shape.layers, -1)
            .tolist(),
        }
        return told | self._report(scores, found) | self._shuffled(found) | self._doses(found)

    def dead(self) -> dict[str, Any]:
        """Search the dead copy likewise, and score and ablate what is found in it; JSON values."""
        loaded, size = (
            self._models.dead(self._specification.model_digest, self._seed),
            len(self.chosen().ablated),
        )
        found = self._find(loaded)
        clean = self._models.passes.clean(loaded, self._report_on.ids, TO_REPORT)
        scores = prefix_scores(kept(clean.attention), self._report_on.periods)[rows_of(found.heads, loaded)]
        repeated, _, _ = self._cost(loaded, found, self._report_on, found.heads[:size])
        return {"scores": scores[:, *_diagonal(scores)].tolist(), "cost": repeated.tolist()}

    def control(self, part: slice) -> dict[str, Any]:
        """Ablate a part of the random sets of as many heads; JSON values: which heads, and each set's mean cost."""
        chosen, found = self.chosen(), self._means()
        costs = [
            self._cost(self._loaded, found, self._report_on, each)[0].mean()
            for each in self._other_sets()[part]
        ]
        ablated = [str(head) for head in chosen.ablated]
        return {"ablated": ablated, "costs": [float(cost) for cost in costs]}

    def choose(self) -> Chosen:
        """Search the model on this seed's finding split."""
        found = self._find(self._loaded)
        return Chosen(found, self._needed(found, self._given["smallest_cost"]))

    def _means(self) -> Found:
        """Return what replaces heads on this seed's sequences, without searching them."""
        clean = self._models.passes.clean(self._loaded, self.find_on.ids, TO_FIND)
        return Found((), 0, 0, kept(clean.head_means))

    def _find(self, loaded: LoadedModel) -> Found:
        """Rank all heads by their score over the permuted one, on the finding split."""
        clean, wanted = (
            self._models.passes.clean(loaded, self.find_on.ids, TO_FIND),
            int(self._given["heads"]),
        )
        scores = prefix_scores(kept(clean.attention), self.find_on.periods)
        p_values, permuted = self._compare(scores, extra=0)
        q_values = statistics.adjust_benjamini_hochberg(p_values)
        if wanted * 2 > len(p_values):
            raise ProbeError(f"{len(p_values)} heads: too few to report {wanted} and draw as many others")
        excess = scores[:, *_diagonal(scores)].mean(axis=1) - permuted
        best = np.argsort(-excess, kind="stable")[:wanted]
        return Found(
            heads=tuple(head_at(int(index), loaded) for index in best),
            n_significant=int((q_values <= 0.05).sum()),
            n_heads=len(p_values),
            means=kept(clean.head_means),
        )

    def _needed(self, found: Found, smallest: float) -> tuple[Head, ...]:
        """Return the found heads that each do something on some of the finding split, in nats a token."""
        some = self.find_on.head(SCREENED)

        def cost(heads: tuple[Head, ...]) -> float:
            return float(self._cost(self._loaded, found, some, heads)[0].mean())

        return those_that_do_something(found.heads, cost, smallest)

    def _report(self, scores: NDArray[np.float64], found: Found) -> dict[str, Any]:
        chosen = self.chosen()
        ours = scores[rows_of(chosen.found.heads, self._loaded)]
        p_values, permuted = self._compare(ours, extra=1)
        repeated, first, fired = self._cost(self._loaded, found, self._report_on, chosen.ablated)
        return {
            "scores": ours[:, *_diagonal(ours)].tolist(),
            "p_values": p_values.tolist(),
            "permuted": permuted.tolist(),
            "cost": repeated.tolist(),
            "cost_elsewhere": first.tolist(),
            "fired": fired,
        }

    def _shuffled(self, found: Found) -> dict[str, Any]:
        """Score and ablate the same heads on the same tokens in another order."""
        chosen, order = self.chosen(), np.random.default_rng(self._seed)
        other = Repeats(order.permuted(self._report_on.ids, axis=1), self._report_on.periods)
        clean = self._models.passes.clean(self._loaded, other.ids, TO_REPORT)
        scores = prefix_scores(kept(clean.attention), other.periods)[
            rows_of(chosen.found.heads, self._loaded)
        ]
        repeated, _, _ = self._cost(self._loaded, found, other, chosen.ablated)
        return {"shuffled_scores": scores[:, *_diagonal(scores)].tolist(), "shuffled_cost": repeated.tolist()}

    def _doses(self, found: Found) -> dict[str, Any]:
        """Replace less than all of the output of the heads, and of some of the random sets."""
        chosen, cost = self.chosen(), partial(self._cost, self._loaded, found, self._report_on)
        sets = self._other_sets()
        placebos = [sets[place] for place in places_of_placebos(len(sets))] if not self._before else []
        return {
            "doses": by_dose({dose: cost(chosen.ablated, dose)[0] for dose in SHARES}),
            "placebo_doses": by_dose(
                {dose: np.array([cost(each, dose)[0].mean() for each in placebos]) for dose in SHARES}
            ),
        }

    def _other_sets(self) -> list[tuple[Head, ...]]:
        chosen, asked = self.chosen(), int(self._given["control_draws"])
        return draw_other_sets(self._loaded, chosen.found.heads, chosen.ablated, asked, seed=self._seed)

    def _cost(
        self, loaded: LoadedModel, found: Found, repeats: Repeats, heads: tuple[Head, ...], share: float = 1.0
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], dict[str, int]]:
        """Return what replacing such a share of the heads' output costs: where tokens repeat, and before they do."""
        clean = self._models.passes.clean(loaded, repeats.ids, {Want.SURPRISAL})
        changed = self._models.passes.ablated(loaded, repeats.ids, mean_ablation(heads, found.means, share))
        return (*ablation_cost(kept(clean.surprisal), kept(changed.surprisal), repeats), changed.fired)

    def _compare(
        self, scores: NDArray[np.float64], *, extra: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        permutations = int(self._given["permutations"])
        return compare_periods(scores, seed=self._seed + extra, permutations=permutations)


def _diagonal(scores: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    own = np.arange(scores.shape[1])
    return own, own
