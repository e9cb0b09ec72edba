"""The measuring part: finds a pattern's heads on some texts, reports and ablates them on others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from interpret import statistics
from interpret.contracts import ProbeSpecification, Want
from interpret.errors import ProbeError
from interpret.probes.dose import SHARES, WHOLE, by_dose, places_of_placebos
from interpret.probes.forward import kept
from interpret.probes.head_sets import (
    draw_other_sets,
    head_at,
    mean_ablation,
    rows_of,
    those_that_do_something,
)
from interpret.probes.one_pass import Floats
from interpret.probes.patterns.kinds import PATTERNS
from interpret.probes.patterns.texts import Array, Texts, best_rule, even_share, rise, share
from interpret.probes.session import ModelSession
from interpret.probes.sites import Head
from interpret.probes.tokenization import digest_of_tokenizer
from interpret.probes.weights import LoadedModel

SCREENED: Final = 8  # texts of the finding half, on which it is asked which of the found heads do something


@dataclass(frozen=True, slots=True)
class Found:
    """What one model's finding texts gave: its best heads, and a replacement for each head's output."""

    heads: tuple[Head, ...]  # best first
    n_heads: int
    means: Floats  # (layer, head, head width)


class Study:
    """One pattern and one seed's texts, on a model and its dead copy; asked about is what the first seed chose."""

    def __init__(
        self,
        name: str,
        models: ModelSession,
        specification: ProbeSpecification,
        given: Mapping[str, float],
        *,
        again: int,
    ) -> None:
        """Make the texts of the first seed (`again` 0) or of the second (1).

        Raises:
            StructureUntold: the model's tokenizer does not let their structure be told.
        """
        self._name, self._pattern = name, PATTERNS[name]
        self._models, self._specification, self._given = models, specification, given
        self._seed = specification.seed + again
        self._loaded = models.model(specification.model_digest)
        sizes = (int(given["texts"]), int(given["length"]))
        self._material = self._pattern.make(self._loaded, *sizes, self._seed)
        self._before = Study(name, models, specification, given, again=0) if again else None

    @property
    def _first(self) -> Study:
        return self._before or self

    def search(self) -> dict[str, Any]:
        """Measure the chosen heads on the reporting texts, in order and in another one; JSON values."""
        heads, ablated = self._chosen()
        found, report = self._find(self._loaded), self._material.report
        right, near = self._shares(self._loaded, report)
        rows = rows_of(heads, self._loaded)
        tokenizer = self._loaded.tokenizer
        told = {
            "heads": [str(head) for head in heads],
            "ablated": [str(head) for head in ablated],
            "searched": found.n_heads,
            "found_again": [str(head) for head in heads if head in found.heads],
            "found_on": self._first.found_on(),
            "texts": report.names(),
            "clusters": list(report.clusters),
            "digest": report.digest(),
            "tokenizer_digest": digest_of_tokenizer(tokenizer) if self._pattern.languages else "",
            "heat_map": right.mean(axis=1).reshape(self._loaded.shape.layers, -1).tolist(),
            "scores": right[rows].tolist(),
            "near": near[rows].tolist(),
            "shuffled_scores": self._shuffled_scores()[rows].tolist(),
            "p_values": [self._p_value(right[row] - near[row]) for row in rows],
        }
        return told | self._text_only() | self._costs(found, ablated)

    def dead(self) -> dict[str, Any]:
        """Search the dead copy likewise, and score and ablate what is found in it; JSON values."""
        _, ablated = self._chosen()
        loaded = self._models.dead(self._specification.model_digest, self._seed)
        found = self._find(loaded)
        right, _ = self._shares(loaded, self._material.report)
        told: dict[str, Any] = {"scores": right[rows_of(found.heads, loaded)].tolist()}
        if self._pattern.outcome:
            texts = self._material.report_outcome
            told["cost"] = self._cost(loaded, found, texts, found.heads[: len(ablated)])[0].tolist()
        return told

    def control(self, part: slice) -> dict[str, Any]:
        """Ablate a part of the random sets of as many heads; JSON values: which heads, and each set's mean cost."""
        heads, ablated = self._chosen()
        texts, found = self._material.report_outcome, self._find(self._loaded)
        sets = self._other_sets(heads, ablated)
        costs = [float(self._cost(self._loaded, found, texts, each)[0].mean()) for each in sets[part]]
        return {"ablated": [str(head) for head in ablated], "costs": costs}

    def _other_sets(self, heads: tuple[Head, ...], ablated: tuple[Head, ...]) -> list[tuple[Head, ...]]:
        asked = int(self._given["control_draws"])
        return draw_other_sets(self._loaded, heads, ablated, asked, seed=self._seed)

    def _doses(self, found: Found, ablated: tuple[Head, ...]) -> dict[str, Any]:
        """Replace less than all of the output of the heads, and of some of the random sets; JSON values."""
        sets, cost = self._other_sets(self._chosen()[0], ablated), partial(self._cost, self._loaded, found)
        texts = self._material.report_outcome
        placebos = [sets[place] for place in places_of_placebos(len(sets))]
        return {
            "doses": by_dose({dose: cost(texts, ablated, dose)[0] for dose in SHARES}),
            "placebo_doses": by_dose(
                {dose: np.array([cost(texts, each, dose)[0].mean() for each in placebos]) for dose in SHARES}
            ),
        }

    def _chosen(self) -> tuple[tuple[Head, ...], tuple[Head, ...]]:
        """Return the heads that the first seed chose, and those of them that do something; a process searches once."""
        asked = self._specification
        key = ("patterns", self._name, asked.model_digest, asked.seed, tuple(sorted(self._given.items())))
        chosen: tuple[tuple[Head, ...], tuple[Head, ...]] = self._models.remembered(key, self._first.choose)
        return chosen

    def found_on(self) -> list[str]:
        """Return the digests of the texts on which this seed finds heads, and which of them do something."""
        found_on = (self._material.find, self._material.find_outcome)
        return sorted({name for texts in found_on for name in texts.names()})

    def choose(self) -> tuple[tuple[Head, ...], tuple[Head, ...]]:
        """Search the model on this seed's finding texts, and ask which heads do something."""
        found = self._find(self._loaded)
        if not self._pattern.outcome:
            return found.heads, ()
        some = self._material.find_outcome.pick(range(min(SCREENED, len(self._material.find.clusters))))

        def cost(heads: tuple[Head, ...]) -> float:
            return float(self._cost(self._loaded, found, some, heads)[0].mean())

        return found.heads, those_that_do_something(found.heads, cost, self._given["smallest_cost"])

    def _find(self, loaded: LoadedModel) -> Found:
        """Rank all heads by what they give to the right key over what they give to the near miss."""
        texts, wanted = self._material.find, int(self._given["heads"])
        right, near = self._shares(loaded, texts)
        if wanted * 2 > len(right):
            raise ProbeError(f"{len(right)} heads: too few to report {wanted} and draw as many others")
        best = np.argsort(-(right - near).mean(axis=1), kind="stable")[:wanted]
        means = self._models.passes.clean(loaded, texts.ids, {Want.ATTENTION, Want.HEAD_MEANS}).head_means
        return Found(tuple(head_at(int(index), loaded) for index in best), len(right), kept(means))

    def _shares(self, loaded: LoadedModel, texts: Texts) -> tuple[Array, Array]:
        """Return what each head gives to the right keys and to the near misses. Shapes (layer * head, text)."""
        wants = {Want.ATTENTION, Want.HEAD_MEANS}
        attention = kept(self._models.passes.clean(loaded, texts.ids, wants).attention)
        flat = attention.reshape(-1, *attention.shape[2:])
        return share(flat, texts.right), share(flat, texts.near)

    def _shuffled_scores(self) -> Array:
        """Score all heads on the same tokens in another order; a claim about places is held to where tokens went."""
        texts = self._material.report.shuffled(self._seed, follow=bool(self._pattern.claimed_lag))
        return self._shares(self._loaded, texts)[0]

    def _text_only(self) -> dict[str, Any]:
        """Return what position gives on the reporting texts: evenly, and by the best rule of the finding texts."""
        rule = best_rule(self._material.find, claimed_lag=self._pattern.claimed_lag)
        report = self._material.report
        return {
            "rule": str(rule),
            "by_rule": rule.hits(report).tolist(),
            "even": even_share(report).tolist(),
        }

    def _p_value(self, differences: Array) -> float:
        """Return how often right and near miss, exchanged at random in each cluster, differ as much."""
        of_cluster = defaultdict[str, list[float]](list)
        for cluster, value in zip(self._material.report.clusters, differences, strict=True):
            of_cluster[cluster].append(float(value))
        means = [float(np.mean(values)) for values in of_cluster.values()]
        return statistics.p_from_sign_flips(
            means, seed=self._seed, permutations=int(self._given["permutations"])
        )

    def _costs(self, found: Found, ablated: tuple[Head, ...]) -> dict[str, Any]:
        if not ablated:
            return {}
        texts = self._material.report_outcome
        cost, elsewhere, fired = self._cost(self._loaded, found, texts, ablated)
        other = texts.shuffled(self._seed, follow=False)
        return {
            "cost_texts": texts.names(),
            "cost": cost.tolist(),
            "cost_elsewhere": elsewhere.tolist(),
            "shuffled_cost": self._cost(self._loaded, found, other, ablated)[0].tolist(),
            "fired": fired,
        } | ({} if self._before else self._doses(found, ablated))

    def _cost(
        self, loaded: LoadedModel, found: Found, texts: Texts, heads: tuple[Head, ...], dose: float = WHOLE
    ) -> tuple[Array, Array, dict[str, int]]:
        """Return what ablating heads, or a part of what they give, costs each text: in the outcome, and elsewhere."""
        clean = kept(self._models.passes.clean(loaded, texts.ids, {Want.SURPRISAL}).surprisal)
        changed = self._models.passes.ablated(loaded, texts.ids, mean_ablation(heads, found.means, dose))
        risen = kept(changed.surprisal)
        return rise(clean, risen, texts.outcome), rise(clean, risen, texts.elsewhere), changed.fired
