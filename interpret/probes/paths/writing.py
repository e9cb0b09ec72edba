"""The reporting part: turns numbers into measurements that say what they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from interpret import statistics
from interpret.contracts import (
    ClaimLevel,
    Comparison,
    ComparisonKind,
    Estimate,
    HoldsFor,
    ItemValue,
    Measurement,
    NullKind,
    ProbeSpecification,
    Stability,
    Tested,
    TestKind,
)
from interpret.probes.answer_texts import Array
from interpret.probes.dose import doses_told
from interpret.probes.estimates import WHY_SHIFT, Estimates, digest_of_texts, units_of
from interpret.probes.head_sets import named, parse_head
from interpret.probes.integrated import COMPLETE
from interpret.probes.paths.sentences import SentenceSet

PATCHING, PARITY = "path.patching", "path.parity"
WHAT_THE_SEED_CHANGES: Final = (
    "names paired anew, other things, another dead model and other random sets; same templates and heads"
)
DEAD: Final = (
    "as many heads, found likewise in a dead model, its weights shuffled inside each matrix, patched in it"
)
NEUTRAL: Final = "the same heads, from a sentence that differs in the thing and names the same person again"
EXCHANGES: Final = 2000  # of heads, behind the null of the correlation


class Numbers:
    """What one seed's parts gave, as arrays over the reporting pairs."""

    def __init__(
        self, pairs: Mapping[str, Any], dead: Mapping[str, Any], drawn: Mapping[str, Sequence[float]]
    ) -> None:
        """Take the parts' numbers; `drawn` of each random set of heads."""
        self.told = pairs
        self.drawn = np.asarray(drawn["moved"], dtype=np.float64)
        self.moved = np.asarray(pairs["moved"], dtype=np.float64)
        self.nulls: dict[NullKind, Array] = {
            NullKind.DEAD_MODEL: np.asarray(dead["moved"], dtype=np.float64),
            NullKind.SHUFFLED_ORDER: np.asarray(pairs["shuffled"], dtype=np.float64),
            NullKind.TEXT_ONLY: np.asarray(pairs["neutral"], dtype=np.float64),
        }

    @property
    def p_value(self) -> float:
        """Return the rank of the chosen heads among the random sets, as a p-value."""
        return statistics.p_from_permutations(float(self.moved.mean()), self.drawn)

    def tested(self, smallest: float) -> Tested:
        """Return what a verdict rests on."""
        return Tested(
            TestKind.SEARCH,
            smallest,
            WHY_SHIFT,
            units_of(self.told["clusters"], self.told["texts"], self.moved, self.nulls),
            random_sets=tuple(float(value) for value in self.drawn),
            found_on=tuple(self.told["found_on"]),
        )

    def parity(self, by: str, seed: int) -> Estimate:
        """Return Pearson's correlation of what heads were given with what patching each does, over heads.

        Args:
            by: "attributed" or "halfway".
        """
        given, exact = np.asarray(self.told[by]), np.asarray(self.told["patched"])
        pairs = exact.shape[1]
        rng = np.random.default_rng(seed)
        drawn = [
            _correlation(given, exact[:, rng.integers(0, pairs, pairs)].mean(axis=1))
            for _ in range(EXCHANGES)
        ]
        method = f"bootstrap-percentile over pairs, {EXCHANGES} resamples; the {len(given)} heads as they are"
        return _interval(_correlation(given, exact.mean(axis=1)), drawn, pairs, method)

    def parity_of_exchanged(self, seed: int) -> Estimate:
        """Return the same with the heads exchanged at random: its mean, and between what it lies."""
        given, exact = np.asarray(self.told["attributed"]), np.asarray(self.told["patched"]).mean(axis=1)
        rng = np.random.default_rng(seed)
        drawn = [_correlation(rng.permutation(given), exact) for _ in range(EXCHANGES)]
        return _interval(
            float(np.mean(drawn)), drawn, len(given), f"quantiles of {EXCHANGES} exchanges of heads"
        )


def write_all(
    specification: ProbeSpecification,
    sentences: SentenceSet,
    given: Mapping[str, float],
    first: Numbers,
    second: Numbers,
) -> tuple[Measurement, ...]:
    """Return what patching does, and how well attribution foretold it."""
    writer = _Writer(specification, sentences, first, second)
    return writer.patching(given["smallest_shift"]), writer.parity()


class _Writer:
    def __init__(
        self, specification: ProbeSpecification, sentences: SentenceSet, first: Numbers, second: Numbers
    ) -> None:
        self._specification, self._sentences = specification, sentences
        self._first, self._second = first, second
        self._estimates = Estimates(specification.seed, "pairs")
        self._heads = tuple(parse_head(name) for name in first.told["chosen"])

    def patching(self, smallest: float) -> Measurement:
        """Return how far exchanging the chosen heads moves the answer, of both ways the lesser."""
        first, second, estimates = self._first, self._second, self._estimates
        estimate = estimates.of(first.moved)
        drawn = statistics.estimate_mean(first.drawn, seed=self._specification.seed, unit="sets of heads")
        what = f"{first.drawn.size} random sets of as many other heads, exchanged likewise, in the way that gives more"
        return Measurement(
            statistic=PATCHING,
            unit="log-odds",
            level=ClaimLevel.INTERVENTIONAL,
            estimate=estimate,
            baseline=estimates.compare(ComparisonKind.BASELINE, NEUTRAL, first.nulls[NullKind.TEXT_ONLY]),
            null=estimates.compare(ComparisonKind.NULL, DEAD, first.nulls[NullKind.DEAD_MODEL]),
            control=Comparison(ComparisonKind.CONTROL, what, drawn),
            tested=first.tested(smallest),
            holds_for=self._holds_for(named(self._heads)),
            stability=estimates.stability(
                estimate, second.moved, second.tested(smallest), second.p_value, WHAT_THE_SEED_CHANGES
            ),
            supports=(
                f"In {self._sentences.texts}, with the output of {named(self._heads)} taken from a sentence in which"
                " the other person comes next, the model's log-odds move towards that person, both ways, by more than"
                f" {smallest:g} beyond the same in a dead model, from a sentence that differs in the thing alone, and"
                " in another order, and more than with random heads."
            ),
            does_not_show=(
                "That the answer runs through these heads alone or that others do nothing, how they tell the two people"
                " apart (by who was named last would do), or that the same heads matter in other texts."
            ),
            p_value=first.p_value,
            q_value=first.p_value,
            correction="none: the 1 test of this run, on pairs held out from the search",
            family_size=1,
            fire_counts=first.told["fired"],
            per_item=tuple(
                ItemValue(cluster, float(value))
                for cluster, value in zip(first.told["clusters"], first.moved, strict=True)
            ),
            details=self._details() | self._doses(),
        )

    def parity(self) -> Measurement:
        """Return how well what attribution gave each head agrees with what patching it does."""
        first, second, seed = self._first, self._second, self._specification.seed
        estimate, again = first.parity("attributed", seed), second.parity("attributed", seed + 1)
        what = f"the {len(first.told['checked'])} heads that were patched one by one"
        return Measurement(
            statistic=PARITY,
            unit="correlation",
            level=ClaimLevel.DESCRIPTIVE,
            estimate=estimate,
            baseline=Comparison(
                ComparisonKind.BASELINE,
                "one gradient halfway, without integration",
                first.parity("halfway", seed),
            ),
            null=Comparison(
                ComparisonKind.NULL, "heads exchanged at random", first.parity_of_exchanged(seed)
            ),
            holds_for=self._holds_for(what),
            stability=Stability(seed, seed + 1, again, estimate.overlaps(again), WHAT_THE_SEED_CHANGES),
            supports=(
                f"Over {what}, what integrated gradients give each on half of the pairs goes with how far patching it"
                " by itself moves the answer on the other half."
            ),
            does_not_show=(
                "That an attribution is what a head does: it proposes, and only patching shows. What heads are given"
                " does not add up to the answer; only what lies at one place of the residual stream does."
            ),
            details=self._details(),
        )

    def _details(self) -> dict[str, Any]:
        told = self._first.told
        exact = np.asarray(told["patched"]).mean(axis=1)
        return {
            "sentences_version": self._sentences.version,
            "pairs_reported_on": len(told["clusters"]),
            "names_in_no_pair": told["left_out"],
            "mean_log_odds_of_each_text": told["odds"],
            "moved_each_way": told["ways"],
            "integration_steps": told["steps"],
            "completeness_error": told["error"],
            "completeness_error_allowed": COMPLETE,
            "proposed": told["proposed"],
            "checked_one_by_one": [
                {"head": head, "attributed": given, "patched": float(done)}
                for head, given, done in zip(told["checked"], told["attributed"], exact, strict=True)
            ],
        }

    def _doses(self) -> dict[str, Any]:
        """Return what exchanging a part of what the heads give does."""
        first = self._first
        return doses_told(
            self._estimates, first.told, whole=first.moved, drawn=first.drawn, what="sets of heads"
        )

    def _holds_for(self, site: str) -> HoldsFor:
        told = self._first.told
        return HoldsFor(
            model_digest=self._specification.model_digest,
            dataset_digest=digest_of_texts(told["texts"]),
            languages=(self._sentences.language,),
            site=site,
            tokenizer_digest=told["tokenizer_digest"],
        )


def _correlation(first: Array, second: Array) -> float:
    """Return Pearson's correlation; 0 where one side is constant."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def _interval(value: float, drawn: Sequence[float], n: int, method: str) -> Estimate:
    low, high = (float(end) for end in np.quantile(drawn, statistics.ENDS))
    return Estimate(value, min(low, value), max(high, value), n, statistics.CONFIDENCE, method)
