"""The reporting part: turns numbers into measurements that say what they are."""

from __future__ import annotations

from collections.abc import Mapping
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
from interpret.probes.dose import dose_response
from interpret.probes.estimates import Array, Estimates, units_of
from interpret.probes.head_sets import named, parse_head
from interpret.probes.head_writing import DEAD_HEADS, dead_head, heat_map, random_sets
from interpret.probes.induction.repeats import uniform_scores

WHY_MATCH: Final = (
    "even attention gives up to 0.06 by position alone: a head that looks less than this beyond it is none"
)
WHY_COST: Final = "0.1 nats make each repeated token a tenth less likely: less is not felt in an answer"
WHAT_THE_SEED_CHANGES: Final = (
    "new token sequences and periods, another dead model and other random sets; same heads"
)


class Numbers:
    """What one seed's parts gave, as arrays: of the chosen heads, beside a dead copy, another order and random sets."""

    def __init__(
        self, search: Mapping[str, Any], dead: Mapping[str, Any], control: list[float], *, length: int
    ) -> None:
        """Take the parts' numbers; `length` is that of each sequence in tokens."""
        self.told = search
        self.scores, self.cost = np.asarray(search["scores"]), np.asarray(search["cost"])
        self.cost_elsewhere = np.asarray(search["cost_elsewhere"])
        self.shuffled_scores = np.asarray(search["shuffled_scores"])
        self.shuffled_cost = np.asarray(search["shuffled_cost"])
        self.dead_scores, self.dead_cost = np.asarray(dead["scores"]), np.asarray(dead["cost"])
        self.control = np.asarray(control)
        self.even = uniform_scores(np.asarray(search["periods"]), length)

    @property
    def p_cost(self) -> float:
        """Return the rank of the ablation's cost among those of the random sets, as a p-value."""
        return statistics.p_from_permutations(float(self.cost.mean()), self.control)

    def tested_match(self, rank: int, smallest: float) -> Tested:
        """Return what the verdict on one head's attention rests on."""
        units = self._units(
            self.scores[rank],
            dead=self.dead_scores[rank],
            shuffled=self.shuffled_scores[rank],
            text_only=self.even,
        )
        return Tested(TestKind.SEARCH, smallest, WHY_MATCH, units, found_on=tuple(self.told["found_on"]))

    def tested_cost(self, smallest: float) -> Tested:
        """Return what the verdict on the ablation rests on."""
        units = self._units(
            self.cost, dead=self.dead_cost, shuffled=self.shuffled_cost, text_only=self.cost_elsewhere
        )
        sets = tuple(float(cost) for cost in self.control)
        found_on = tuple(self.told["found_on"])
        return Tested(TestKind.NECESSITY, smallest, WHY_COST, units, random_sets=sets, found_on=found_on)

    def _units(
        self, values: Array, *, dead: Array, shuffled: Array, text_only: Array
    ) -> tuple[TestedUnit, ...]:
        """Return each sequence, all of shape (sequence,), with its nulls; its tokens are drawn by themselves."""
        nulls = {NullKind.DEAD_MODEL: dead, NullKind.SHUFFLED_ORDER: shuffled, NullKind.TEXT_ONLY: text_only}
        return units_of(self.told["texts"], self.told["texts"], values, nulls)


class Writer:
    """One measurement a head, and one of ablating those that do something; the p-values are corrected together."""

    def __init__(
        self, specification: ProbeSpecification, given: Mapping[str, float], first: Numbers, second: Numbers
    ) -> None:
        """Take what both seeds measured."""
        self._specification, self._estimates = specification, Estimates(specification.seed, "sequences")
        self._first, self._second = first, second
        self._heads = [parse_head(name) for name in first.told["heads"]]
        self._ablated = [parse_head(name) for name in first.told["ablated"]]
        self._smallest_match, self._smallest_cost = given["smallest_match"], given["smallest_cost"]
        self._asked_sets = int(given["control_draws"])
        self._p_values = [*first.told["p_values"], first.p_cost]
        self._q_values = [float(q) for q in statistics.adjust_benjamini_hochberg(self._p_values)]
        self._correction = (
            f"Benjamini-Hochberg over the {len(self._p_values)} tests of this run, on sequences held out from"
            f" finding the heads among {first.told['searched']}"
        )

    def measurements(self) -> tuple[Measurement, ...]:
        """Return what was measured, in words."""
        return (*(self._prefix_match(rank) for rank in range(len(self._heads))), self._ablation_cost())

    def _prefix_match(self, rank: int) -> Measurement:
        head, first, second = self._heads[rank], self._first, self._second
        estimate = self._estimates.of(first.scores[rank])
        return Measurement(
            statistic="induction.prefix_match",
            unit="share of attention",
            level=ClaimLevel.ASSOCIATIONAL,
            estimate=estimate,
            baseline=self._estimates.compare(
                ComparisonKind.BASELINE, "even attention to all tokens so far", first.even
            ),
            null=self._estimates.compare(
                ComparisonKind.NULL,
                dead_head(rank),
                first.dead_scores[rank],
            ),
            tested=first.tested_match(rank, self._smallest_match),
            holds_for=self._holds_for(f"head {head}"),
            stability=self._estimates.stability(
                estimate,
                second.scores[rank],
                second.tested_match(rank, self._smallest_match),
                second.told["p_values"][rank],
                WHAT_THE_SEED_CHANGES,
            ),
            supports=f"Head {head} attends to what followed earlier occurrences of the same token.",
            does_not_show=(
                "That the model's answers depend on this head, or that it behaves so on natural text:"
                " attention is not use."
            ),
            per_item=self._items(first.scores[rank]),
            details={
                "rank": rank + 1,
                "permuted_period_score": first.told["permuted"][rank],
                "significant_heads_on_finding_split": first.told["significant"],
                "heads_searched": first.told["searched"],
                "found_again_with_second_seed": str(head) in second.told["found_again"],
                "heat_map": heat_map(first.told["heat_map"]),
            },
            **self._corrected(rank),
        )

    def _ablation_cost(self) -> Measurement:
        first, second, names = self._first, self._second, named(self._ablated)
        estimate = self._estimates.of(first.cost)
        return Measurement(
            statistic="induction.ablation_cost",
            unit="nats per token",
            level=ClaimLevel.INTERVENTIONAL,
            estimate=estimate,
            baseline=self._estimates.compare(
                ComparisonKind.BASELINE,
                "the same ablation on each first period, where nothing repeats yet",
                first.cost_elsewhere,
            ),
            null=self._estimates.compare(
                ComparisonKind.NULL,
                DEAD_HEADS,
                first.dead_cost,
            ),
            control=random_sets(self._estimates, first.control, self._asked_sets),
            tested=first.tested_cost(self._smallest_cost),
            holds_for=self._holds_for(names),
            stability=self._estimates.stability(
                estimate,
                second.cost,
                second.tested_cost(self._smallest_cost),
                second.p_cost,
                WHAT_THE_SEED_CHANGES,
            ),
            supports=(
                f"Without {names}, random tokens that repeat are harder to predict by more than"
                f" {self._smallest_cost:g} nats, which the same tokens in another order are not."
            ),
            does_not_show=(
                "That these heads copy, that no other head does the same, that anything on natural text runs through"
                " them, or that the sources of an answer were copied."
            ),
            fire_counts=first.told["fired"],
            per_item=self._items(first.cost),
            details={
                "replacement": "mean output on the finding split",
                "heads_found_again": len(second.told["found_again"]),
                "dose_response": self._dose_response(),
            },
            **self._corrected(-1),
        )

    def _corrected(self, test: int) -> dict[str, Any]:
        return {
            "p_value": float(self._p_values[test]),
            "q_value": self._q_values[test],
            "correction": self._correction,
            "family_size": len(self._p_values),
        }

    def _holds_for(self, site: str) -> HoldsFor:
        periods = self._first.told["periods"]
        return HoldsFor(
            model_digest=self._specification.model_digest,
            dataset_digest=self._first.told["digest"],
            languages=(),
            site=site,
            slice={"tokens": f"random, repeating with period {min(periods)} to {max(periods)}"},
        )

    def _dose_response(self) -> list[dict[str, float]]:
        """Return what replacing a part of the heads' output costs, up to all of it."""
        told = self._first.told
        return dose_response(
            self._estimates,
            values=told["doses"],
            whole=self._first.cost,
            placebos=told.get("placebo_doses", {}),  # a part that was measured before there were any has none
            drawn=self._first.control,
            what="sets of heads",
        )

    def _items(self, values: Array) -> tuple[ItemValue, ...]:
        return tuple(
            ItemValue(f"sequence {i}, period {period}", float(value))
            for i, (period, value) in enumerate(zip(self._first.told["periods"], values, strict=True))
        )
