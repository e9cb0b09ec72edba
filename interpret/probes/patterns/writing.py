"""The reporting part: turns numbers into measurements that say what they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from interpret import statistics
from interpret.contracts import (
    ClaimLevel,
    ComparisonKind,
    HoldsFor,
    ItemValue,
    Measurement,
    NullKind,
    ProbeSpecification,
    Tested,
    TestedUnit,
    TestKind,
)
from interpret.probes.dose import doses_told
from interpret.probes.estimates import Array, Estimates, units_of
from interpret.probes.head_sets import named, parse_head
from interpret.probes.head_writing import DEAD_HEADS, dead_head, heat_map, random_sets
from interpret.probes.patterns.kinds import Outcome, Pattern

WHY_SHARE: Final = (
    "even attention gives about 0.1 in texts so short: a head that looks less than this beyond a null is none"
)
WHAT_THE_SEED_CHANGES: Final = "new texts, another dead model and other random sets; same heads"
WHY_COST: Final = "0.1 nats make each of these tokens a tenth less likely: less is not felt in an answer"


class Numbers:
    """What one seed's parts gave for one pattern, as arrays: of the chosen heads, beside all they are held against."""

    def __init__(self, search: Mapping[str, Any], dead: Mapping[str, Any], control: Sequence[float]) -> None:
        """Take the parts' numbers."""
        self.told = search
        self.scores, self.near = np.asarray(search["scores"]), np.asarray(search["near"])  # (head, text)
        self.shuffled_scores, self.dead_scores = (
            np.asarray(search["shuffled_scores"]),
            np.asarray(dead["scores"]),
        )
        self.text_only = np.maximum.reduce(
            [self.near, *(np.broadcast_to(search[name], self.near.shape) for name in ("even", "by_rule"))]
        )
        self.control = np.asarray(control)
        self._dead = dead

    def cost(self, name: str = "cost") -> Array:
        """Return what ablating costs each text, in nats: "cost", "cost_elsewhere", "shuffled_cost" or "dead"."""
        return np.asarray(self._dead["cost"] if name == "dead" else self.told[name], dtype=np.float64)

    @property
    def p_cost(self) -> float:
        """Return the rank of the ablation's cost among those of the random sets, as a p-value."""
        return statistics.p_from_permutations(float(self.cost().mean()), self.control)

    def tested_share(self, rank: int, smallest: float) -> Tested:
        """Return what the verdict on one head's attention rests on."""
        nulls = {
            NullKind.DEAD_MODEL: self.dead_scores[rank],
            NullKind.SHUFFLED_ORDER: self.shuffled_scores[rank],
            NullKind.TEXT_ONLY: self.text_only[rank],
        }
        units = self._units("texts", self.scores[rank], nulls)
        return Tested(TestKind.SEARCH, smallest, WHY_SHARE, units, found_on=tuple(self.told["found_on"]))

    def tested_cost(self, smallest: float) -> Tested:
        """Return what the verdict on the ablation rests on."""
        nulls = {
            NullKind.DEAD_MODEL: self.cost("dead"),
            NullKind.SHUFFLED_ORDER: self.cost("shuffled_cost"),
            NullKind.TEXT_ONLY: self.cost("cost_elsewhere"),
        }
        sets = tuple(float(cost) for cost in self.control)
        units = self._units("cost_texts", self.cost(), nulls)
        found_on = tuple(self.told["found_on"])
        return Tested(TestKind.NECESSITY, smallest, WHY_COST, units, random_sets=sets, found_on=found_on)

    def _units(self, texts: str, values: Array, nulls: Mapping[NullKind, Array]) -> tuple[TestedUnit, ...]:
        return units_of(self.told["clusters"], self.told[texts], values, nulls)


@dataclass(frozen=True, slots=True)
class Measured:
    """One pattern as both seeds measured it."""

    name: str
    pattern: Pattern
    first: Numbers
    second: Numbers

    def p_values(self) -> list[float]:
        """Return one p-value a head, and one of the ablation where there is an outcome."""
        return [*self.first.told["p_values"], *([self.first.p_cost] if self.pattern.outcome else [])]


def write_all(
    specification: ProbeSpecification,
    given: Mapping[str, float],
    measured: Sequence[Measured],
    refused: Mapping[str, str],
) -> tuple[Measurement, ...]:
    """Return all patterns' measurements; their p-values are corrected together.

    Args:
        refused: pattern -> why it could not be measured in this model.
    """
    p_values = [p for each in measured for p in each.p_values()]
    q_values = iter(statistics.adjust_benjamini_hochberg(p_values).tolist())
    correction = (
        f"Benjamini-Hochberg over the {len(p_values)} tests of this run, on texts held out from finding the heads"
        f" among {measured[0].first.told['searched']}"
    )
    written: list[Measurement] = []
    for each in measured:
        shared = {
            "correction": correction,
            "family_size": len(p_values),
        }
        corrected = [
            {"p_value": float(p), "q_value": float(next(q_values)), **shared} for p in each.p_values()
        ]
        written += _Writer(specification, given, each, corrected, refused).measurements()
    return tuple(written)


class _Writer:
    """One pattern: a measurement a head, and one of ablating those that do something."""

    def __init__(
        self,
        specification: ProbeSpecification,
        given: Mapping[str, float],
        measured: Measured,
        corrected: Sequence[Mapping[str, Any]],
        refused: Mapping[str, str],
    ) -> None:
        self._specification, self._given = specification, given
        self._estimates = Estimates(specification.seed, "texts")
        self._name, self._pattern = measured.name, measured.pattern
        self._first, self._second = measured.first, measured.second
        self._corrected, self._refused = corrected, dict(refused)

    def measurements(self) -> list[Measurement]:
        """Return what was measured, in words."""
        heads = [self._share(rank) for rank in range(len(self._first.told["heads"]))]
        return [*heads, *([self._cost(self._pattern.outcome)] if self._pattern.outcome else [])]

    def _share(self, rank: int) -> Measurement:
        first, second, pattern = self._first, self._second, self._pattern
        head, smallest = parse_head(first.told["heads"][rank]), self._given["smallest_share"]
        estimate = self._estimates.of(first.scores[rank])
        return Measurement(
            statistic=f"patterns.{self._name}",
            unit="share of attention",
            level=ClaimLevel.ASSOCIATIONAL,
            estimate=estimate,
            baseline=self._estimates.compare(
                ComparisonKind.BASELINE, f"what the same head gives to {pattern.near}", first.near[rank]
            ),
            null=self._estimates.compare(
                ComparisonKind.NULL,
                dead_head(rank),
                first.dead_scores[rank],
            ),
            tested=first.tested_share(rank, smallest),
            holds_for=self._holds_for(f"head {head}"),
            stability=self._estimates.stability(
                estimate,
                second.scores[rank],
                second.tested_share(rank, smallest),
                second.told["p_values"][rank],
                WHAT_THE_SEED_CHANGES,
            ),
            supports=f"In {pattern.texts}, head {head} attends {pattern.attends}, more than to {pattern.near}.",
            does_not_show=(
                "That the model's answers depend on this head, that it does nothing else, or that it behaves so on"
                " other texts: attention is not use."
            ),
            per_item=self._items(first.scores[rank]),
            details={
                "rank": rank + 1,
                "heads_searched": first.told["searched"],
                "found_again_with_second_seed": str(head) in second.told["found_again"],
                "best_position_only_rule": first.told["rule"],
                "share_by_that_rule": float(np.mean(first.told["by_rule"])),
                "share_of_even_attention": float(np.mean(first.told["even"])),
                "share_in_another_order": float(first.shuffled_scores[rank].mean()),
                "not_measured": self._refused,
                "heat_map": heat_map(first.told["heat_map"]),
            },
            **self._corrected[rank],
        )

    def _cost(self, outcome: Outcome) -> Measurement:
        first, second = self._first, self._second
        names, smallest = (
            named([parse_head(name) for name in first.told["ablated"]]),
            self._given["smallest_cost"],
        )
        estimate = self._estimates.of(first.cost())
        return Measurement(
            statistic=f"patterns.{self._name}_cost",
            unit="nats per token",
            level=ClaimLevel.INTERVENTIONAL,
            estimate=estimate,
            baseline=self._estimates.compare(
                ComparisonKind.BASELINE,
                f"the same ablation on {outcome.elsewhere}",
                first.cost("cost_elsewhere"),
            ),
            null=self._estimates.compare(
                ComparisonKind.NULL,
                DEAD_HEADS,
                first.cost("dead"),
            ),
            control=random_sets(self._estimates, first.control, int(self._given["control_draws"])),
            tested=first.tested_cost(smallest),
            holds_for=self._holds_for(names),
            stability=self._estimates.stability(
                estimate, second.cost(), second.tested_cost(smallest), second.p_cost, WHAT_THE_SEED_CHANGES
            ),
            supports=(
                f"Without {names}, {outcome.harder} are harder to predict by more than {smallest:g} nats beyond"
                f" {outcome.elsewhere}, and beyond the same places in another order."
            ),
            does_not_show=(
                "That it is by this pattern that the heads matter, that no other head does the same, or that anything"
                " on other texts runs through them."
            ),
            fire_counts=first.told["fired"],
            per_item=self._items(first.cost()),
            details={
                "replacement": "mean output on the finding texts",
                "heads_found_again": len(second.told["found_again"]),
                "not_measured": self._refused,
                **self._doses(),
            },
            **self._corrected[-1],
        )

    def _doses(self) -> dict[str, Any]:
        """Return what replacing a part of the heads' output costs."""
        first = self._first
        return doses_told(
            self._estimates, first.told, whole=first.cost(), drawn=first.control, what="sets of heads"
        )

    def _holds_for(self, site: str) -> HoldsFor:
        return HoldsFor(
            model_digest=self._specification.model_digest,
            dataset_digest=self._first.told["digest"],
            languages=self._pattern.languages,
            site=site,
            slice={"texts": self._pattern.texts},
            tokenizer_digest=self._first.told["tokenizer_digest"],
        )

    def _items(self, values: Array) -> tuple[ItemValue, ...]:
        return tuple(ItemValue(f"text {number}", float(value)) for number, value in enumerate(values))
