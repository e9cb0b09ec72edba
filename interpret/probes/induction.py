"""Induction heads: what attends to the token that followed the last time, and what ablating it costs.

Source: C. Olsson et al., "In-context Learning and Induction Heads" (2022, arXiv 2209.11895), prefix matching.
A fixed period would also be matched by a head that only counts positions, so each sequence has a period of
its own, and heads are tested by scoring the same attention at the other sequences' periods.

What is found is held against the same search in a dead model (weights shuffled inside each matrix), the same
heads on the same tokens in another order, and what even attention or a text without repetition gives.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
import torch
from numpy.typing import NDArray

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
    ProbeResult,
    ProbeSpecification,
    Progress,
    Stability,
    Tested,
    TestedUnit,
    TestKind,
)
from interpret.errors import BadSpecification, ProbeError
from interpret.probes.forward import Ablation, Floats, ForwardPasses, Ids, Pass, Want
from interpret.probes.session import ModelSession
from interpret.probes.sites import Head
from interpret.probes.weights import LoadedModel
from interpret.registry import fill_parameters

KEY = "induction.heads"
SCREENED = 8  # sequences of the finding split, on which it is asked which of the found heads do something
WHY_MATCH = (
    "even attention gives up to 0.06 by position alone: a head that looks less than this beyond it is none"
)
WHY_COST = "0.1 nats make each repeated token a tenth less likely: less is not felt in an answer"
TO_FIND = frozenset({Want.ATTENTION, Want.HEAD_MEANS})
TO_REPORT = frozenset({Want.ATTENTION, Want.SURPRISAL})


@dataclass(frozen=True, slots=True)
class Repeats:
    """Random tokens that repeat: sequence i has period `periods[i]`."""

    ids: Ids  # (sequence, token)
    periods: NDArray[np.int64]  # (sequence,), tokens

    def digest(self) -> str:
        """SHA-256 over periods and tokens."""
        data = np.ascontiguousarray(self.periods, dtype="<i8").tobytes()
        return hashlib.sha256(data + np.ascontiguousarray(self.ids, dtype="<i8").tobytes()).hexdigest()


@dataclass(frozen=True, slots=True)
class Found:
    """What one model's finding split gave: its best heads, and a replacement for each head's output."""

    heads: tuple[Head, ...]  # best first
    n_significant: int  # heads with q <= 0.05 among all
    n_heads: int
    means: Floats  # (layer, head, head width)


@dataclass(frozen=True, slots=True)
class Report:
    """The found heads on the reporting split; each row of `scores` is a head, each column a sequence."""

    scores: NDArray[np.float64]  # (head, sequence), share of attention
    p_values: NDArray[np.float64]  # (head,), against permuted periods
    permuted: NDArray[np.float64]  # (head,), mean score at other sequences' periods
    cost: NDArray[np.float64]  # (sequence,), nats a token, of ablating them, where the tokens repeat
    cost_elsewhere: NDArray[np.float64]  # (sequence,), the same on the first period, where they do not
    fired: dict[str, int]


@dataclass(frozen=True, slots=True)
class Shuffled:
    """The found heads where each sequence's tokens stand in another order."""

    scores: NDArray[np.float64]  # (head, sequence), share of attention
    cost: NDArray[np.float64]  # (sequence,), nats a token, at the positions where tokens repeat in order


class InductionHeads:
    """Find heads on one half of the sequences, report and ablate them on the other."""

    code_version = "2"

    def check(self, specification: ProbeSpecification) -> None:
        """Raise `BadSpecification` where a parameter does not fit, or inputs are given."""
        fill_parameters(KEY, specification.parameters)
        if specification.inputs:
            raise BadSpecification(f"{KEY} makes its own sequences and reads no prompts")

    def run(self, specification: ProbeSpecification, models: ModelSession, progress: Progress) -> ProbeResult:
        """Measure each found head's prefix matching, and what ablating all of them costs.

        Raises:
            ProbeError: the model has too few heads or words for the parameters.
            HookNeverFired: an ablation or a reading did not take place.
        """
        self.check(specification)
        given = fill_parameters(KEY, specification.parameters)
        seed, loaded = specification.seed, models.model(specification.model_digest)
        passes_before = models.passes.made
        sizes = (int(given["sequences"]), int(given["length"]), loaded.shape.vocabulary)
        study = _Study(models.passes, int(given["heads"]), int(given["permutations"]), seed)
        find_on, report_on = split(make_repeats(*sizes, seed=seed))
        find_again, report_again = split(make_repeats(*sizes, seed=seed + 1))
        progress("find heads", 0, 5)
        found = study.find(loaded, find_on)
        ablated = study.needed(loaded, found, find_on, given["smallest_cost"])
        progress("report", 1, 5)
        report = study.report(loaded, found, report_on, ablated)
        shuffled = study.shuffled(loaded, found, report_on, ablated)
        progress("control", 2, 5)
        control = study.control(loaded, found, report_on, ablated, int(given["control_draws"]))
        progress("dead model", 3, 5)
        dead = models.dead(specification.model_digest, seed)
        dead_found = study.find(dead, find_on)
        dead_report = study.report(dead, dead_found, report_on, dead_found.heads[: len(ablated)])
        progress("second seed", 4, 5)
        refound = study.find(loaded, find_again)
        again = Found(found.heads, 0, found.n_heads, refound.means)
        second = study.report(loaded, again, report_again, ablated)
        progress("done", 5, 5)
        numbers = _Numbers(report_on, found, ablated, report, shuffled, control, dead_report, refound, second)
        return ProbeResult(
            probe=KEY,
            code_version=self.code_version,
            measurements=_Writer(specification, numbers, given).measurements(),
            versions=loaded.versions,
            threads=torch.get_num_threads(),
            forward_passes=models.passes.made - passes_before,
        )


def make_repeats(sequences: int, length: int, vocabulary: int, *, seed: int) -> Repeats:
    """Draw `sequences` random blocks, each repeated to `length` tokens with its own period.

    Periods are drawn from length/8 to length/2 - 1, without repeats while there are enough; no token comes
    twice in a block.

    Raises:
        ProbeError: the vocabulary is smaller than the longest period.
    """
    rng = np.random.default_rng(seed)
    choices = np.arange(max(2, length // 8), length // 2)
    if vocabulary < choices[-1]:
        raise ProbeError(
            f"a vocabulary of {vocabulary} cannot fill a block of {choices[-1]} different tokens"
        )
    rounds = [rng.permutation(choices) for _ in range(-(-sequences // choices.size))]
    periods = np.concatenate(rounds)[:sequences]
    ids = np.stack(
        [np.resize(rng.choice(vocabulary, int(period), replace=False), length) for period in periods]
    )
    return Repeats(ids.astype(np.int64), periods.astype(np.int64))


def split(repeats: Repeats) -> tuple[Repeats, Repeats]:
    """Return the even and the odd sequences: to find on, to report on."""
    return (
        Repeats(repeats.ids[0::2], repeats.periods[0::2]),
        Repeats(repeats.ids[1::2], repeats.periods[1::2]),
    )


def prefix_scores(attention: Floats, periods: NDArray[np.int64]) -> NDArray[np.float64]:
    """Score every head on every sequence at every period that occurs.

    The score is the attention, averaged over query tokens t >= period, that goes to the tokens after the
    earlier occurrences of token t: t - period + 1, t - 2 period + 1 and so on.

    Args:
        attention: (layer, head, sequence, query, key).

    Returns:
        (layer * head, sequence, period), in [0, 1]; the last axis has the period of sequence j at j.
    """
    layers, heads, sequences, length, _ = attention.shape
    flat = attention.reshape(layers * heads, sequences, length, length)
    unique, where = np.unique(periods, return_inverse=True)
    scores = np.stack(
        [(flat * _targets(int(p), length)).sum(axis=(2, 3)) / (length - p) for p in unique], axis=2
    )
    picked: NDArray[np.float64] = scores[:, :, where].astype(np.float64)
    return picked


def uniform_scores(periods: NDArray[np.int64], length: int) -> NDArray[np.float64]:
    """Return the prefix score of a head that attends evenly to all tokens so far. Shape (sequence,)."""
    even = np.tril(np.ones((length, length))) / np.arange(1, length + 1)[:, None]
    return np.array([(even * _targets(int(p), length)).sum() / (length - p) for p in periods])


def compare_periods(
    scores: NDArray[np.float64], *, seed: int, permutations: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Test each head's own-period score against sequences with their periods permuted.

    Args:
        scores: (head, sequence, period), from `prefix_scores`.

    Returns:
        p-values (head,), and the mean score under permutation (head,).
    """
    heads, n, _ = scores.shape
    observed = scores[:, np.arange(n), np.arange(n)].mean(axis=1)
    rng = np.random.default_rng(seed)
    above, total = np.zeros(heads), np.zeros(heads)
    for _ in range(permutations):
        permuted = scores[:, np.arange(n), rng.permutation(n)].mean(axis=1)
        above += permuted >= observed - 1e-12
        total += permuted
    return (1 + above) / (1 + permutations), total / permutations


class _Study:
    """The measuring part: finds, reports and ablates on one model at a time."""

    def __init__(self, passes: ForwardPasses, n_heads: int, permutations: int, seed: int) -> None:
        self._passes, self._n_heads = passes, n_heads
        self._permutations, self._seed = permutations, seed

    def find(self, loaded: LoadedModel, repeats: Repeats) -> Found:
        """Rank all heads by their score over the permuted one, on the finding split."""
        clean = self._passes.clean(loaded, repeats.ids, TO_FIND)
        scores = prefix_scores(_kept(clean.attention), repeats.periods)
        p_values, permuted = compare_periods(scores, seed=self._seed, permutations=self._permutations)
        q_values = statistics.adjust_benjamini_hochberg(p_values)
        if self._n_heads * 2 > len(p_values):
            raise ProbeError(
                f"{len(p_values)} heads: too few to report {self._n_heads} and draw as many others"
            )
        excess = scores[:, *_diagonal(scores)].mean(axis=1) - permuted
        best = np.argsort(-excess, kind="stable")[: self._n_heads]
        return Found(
            heads=tuple(_head(int(index), loaded) for index in best),
            n_significant=int((q_values <= 0.05).sum()),
            n_heads=len(p_values),
            means=_kept(clean.head_means),
        )

    def needed(
        self, loaded: LoadedModel, found: Found, repeats: Repeats, smallest: float
    ) -> tuple[Head, ...]:
        """Return the found heads that each do something, best first; all where none does by itself.

        A head does something when ablating it, or sparing it when all others are ablated, changes the cost on some of
        the finding split by `smallest`, in nats a token: of two heads that do the same, sparing either is enough.
        """
        some = Repeats(repeats.ids[:SCREENED], repeats.periods[:SCREENED])
        doing = {head for head in found.heads if self._cost(loaded, found, some, (head,)) >= smallest}
        if len(found.heads) > max(1, len(doing)):
            together = self._cost(loaded, found, some, found.heads)
            for head in set(found.heads) - doing:
                others = tuple(other for other in found.heads if other != head)
                if together - self._cost(loaded, found, some, others) >= smallest:
                    doing.add(head)
        return tuple(head for head in found.heads if head in doing) or found.heads

    def report(
        self, loaded: LoadedModel, found: Found, repeats: Repeats, ablated: tuple[Head, ...]
    ) -> Report:
        """Score the found heads on the reporting split, and ablate those of them in `ablated`."""
        clean = self._passes.clean(loaded, repeats.ids, TO_REPORT)
        scores = prefix_scores(_kept(clean.attention), repeats.periods)[_rows(found, loaded)]
        p_values, permuted = compare_periods(scores, seed=self._seed + 1, permutations=self._permutations)
        changed = self._passes.ablated(loaded, repeats.ids, _ablation(ablated, found.means))
        repeated, first = ablation_cost(clean, changed, repeats)
        return Report(scores[:, *_diagonal(scores)], p_values, permuted, repeated, first, changed.fired)

    def shuffled(
        self, loaded: LoadedModel, found: Found, repeats: Repeats, ablated: tuple[Head, ...]
    ) -> Shuffled:
        """Score and ablate the same heads on the same tokens in another order."""
        ids = np.random.default_rng(self._seed).permuted(repeats.ids, axis=1)
        clean = self._passes.clean(loaded, ids, TO_REPORT)
        scores = prefix_scores(_kept(clean.attention), repeats.periods)[_rows(found, loaded)]
        changed = self._passes.ablated(loaded, ids, _ablation(ablated, found.means))
        return Shuffled(scores[:, *_diagonal(scores)], ablation_cost(clean, changed, repeats)[0])

    def control(
        self, loaded: LoadedModel, found: Found, repeats: Repeats, ablated: tuple[Head, ...], draws: int
    ) -> NDArray[np.float64]:
        """Return what ablating each of up to `draws` different random sets of as many heads costs. Shape (set,).

        Heads are drawn from the same layers as the ablated ones where these have enough others, else from all. Fewer
        sets than asked come back where there are no more.

        Raises:
            ProbeError: fewer than two other sets.
        """
        layers = {head.layer for head in ablated}
        everywhere = [_head(index, loaded) for index in range(found.n_heads)]
        others = [head for head in everywhere if head not in found.heads]
        near = [head for head in others if head.layer in layers]
        pool = near if comb(len(near), len(ablated)) >= draws else others
        sets = _different_sets(pool, len(ablated), draws, self._seed)
        if len(sets) < 2:
            raise ProbeError(
                f"{len(sets)} other sets of {len(ablated)} heads: a control needs two; ask for fewer heads"
            )
        return np.array([self._cost(loaded, found, repeats, drawn) for drawn in sets])

    def _cost(self, loaded: LoadedModel, found: Found, repeats: Repeats, heads: tuple[Head, ...]) -> float:
        clean = self._passes.clean(loaded, repeats.ids, {Want.SURPRISAL})
        changed = self._passes.ablated(loaded, repeats.ids, _ablation(heads, found.means))
        return float(ablation_cost(clean, changed, repeats)[0].mean())


@dataclass(frozen=True, slots=True)
class _Numbers:
    """What one run measured, before it is put in words."""

    repeats: Repeats  # the reporting split
    found: Found
    ablated: tuple[Head, ...]  # those of them that are ablated
    report: Report  # of the found heads
    shuffled: Shuffled  # of the found heads, tokens in another order
    control: NDArray[np.float64]  # (set,): what ablating each random set of as many heads costs
    dead: Report  # of the heads that the same search finds in the dead model
    refound: Found  # with a second seed
    second: Report  # of the found heads, on sequences of the second seed


class _Writer:
    """The reporting part: turns numbers into measurements that say what they are."""

    def __init__(
        self, specification: ProbeSpecification, numbers: _Numbers, given: Mapping[str, float]
    ) -> None:
        self._specification, self._numbers, self._seed = specification, numbers, specification.seed
        self._smallest_match, self._smallest_cost = given["smallest_match"], given["smallest_cost"]
        self._asked_sets = int(given["control_draws"])
        self._family_size = len(numbers.report.p_values) + 1  # each head, and the ablation

    def measurements(self) -> tuple[Measurement, ...]:
        """One measurement a head, and one of ablating them all; the p-values are corrected together."""
        p_cost = statistics.p_from_permutations(
            float(self._numbers.report.cost.mean()), self._numbers.control
        )
        p_values = [*(float(p) for p in self._numbers.report.p_values), p_cost]
        q_values = [float(q) for q in statistics.adjust_benjamini_hochberg(p_values)]
        correction = (
            f"Benjamini-Hochberg over the {len(p_values)} tests of this run, on sequences held out from"
            f" finding the heads among {self._numbers.found.n_heads}"
        )
        heads = [
            self._prefix_match(rank, p_values[rank], q_values[rank], correction)
            for rank in range(len(self._numbers.found.heads))
        ]
        return (*heads, self._ablation_cost(p_values[-1], q_values[-1], correction))

    def _prefix_match(self, rank: int, p_value: float, q_value: float, correction: str) -> Measurement:
        head, scores = self._numbers.found.heads[rank], self._numbers.report.scores[rank]
        estimate = self._estimate(scores)
        baseline, null = self._compared_with_head(rank)
        return Measurement(
            statistic="induction.prefix_match",
            unit="share of attention",
            level=ClaimLevel.ASSOCIATIONAL,
            estimate=estimate,
            baseline=baseline,
            null=null,
            tested=Tested(
                TestKind.EFFECT,
                self._smallest_match,
                WHY_MATCH,
                self._units(
                    scores,
                    dead=self._numbers.dead.scores[rank],
                    shuffled=self._numbers.shuffled.scores[rank],
                    text_only=self._even(),
                ),
            ),
            holds_for=self._holds_for(f"head {head}"),
            stability=self._stability(estimate, self._numbers.second.scores[rank]),
            supports=f"Head {head} attends to what followed earlier occurrences of the same token.",
            does_not_show=(
                "That the model's answers depend on this head, or that it behaves so on natural text:"
                " attention is not use."
            ),
            p_value=p_value,
            q_value=q_value,
            correction=correction,
            family_size=self._family_size,
            per_item=self._items(scores),
            details={
                "rank": rank + 1,
                "permuted_period_score": float(self._numbers.report.permuted[rank]),
                "significant_heads_on_finding_split": self._numbers.found.n_significant,
                "heads_searched": self._numbers.found.n_heads,
                "found_again_with_second_seed": head in self._numbers.refound.heads,
            },
        )

    def _compared_with_head(self, rank: int) -> tuple[Comparison, Comparison]:
        """Return the baseline and the null of one head's score."""
        baseline = Comparison(
            ComparisonKind.BASELINE, "even attention to all tokens so far", self._estimate(self._even())
        )
        null = Comparison(
            ComparisonKind.NULL,
            f"the head of rank {rank + 1} that the same search finds in a dead model,"
            " its weights shuffled inside each matrix",
            self._estimate(self._numbers.dead.scores[rank]),
        )
        return baseline, null

    def _ablation_cost(self, p_value: float, q_value: float, correction: str) -> Measurement:
        estimate = self._estimate(self._numbers.report.cost)
        baseline, null, matched = self._compared_with_ablation()
        names, report = _named(self._numbers.ablated), self._numbers.report
        again = len(set(self._numbers.found.heads) & set(self._numbers.refound.heads))
        return Measurement(
            statistic="induction.ablation_cost",
            unit="nats per token",
            level=ClaimLevel.INTERVENTIONAL,
            estimate=estimate,
            baseline=baseline,
            null=null,
            control=matched,
            tested=Tested(
                TestKind.NECESSITY,
                self._smallest_cost,
                WHY_COST,
                self._units(
                    report.cost,
                    dead=self._numbers.dead.cost,
                    shuffled=self._numbers.shuffled.cost,
                    text_only=report.cost_elsewhere,
                ),
                random_sets=tuple(float(cost) for cost in self._numbers.control),
            ),
            holds_for=self._holds_for(names),
            stability=self._stability(estimate, self._numbers.second.cost),
            supports=(
                f"Without {names}, random tokens that repeat are harder to predict by more than"
                f" {self._smallest_cost:g} nats, which the same tokens in another order are not."
            ),
            does_not_show=(
                "That these heads copy, that no other head does the same, that anything on natural text runs through"
                " them, or that the sources of an answer were copied."
            ),
            p_value=p_value,
            q_value=q_value,
            correction=correction,
            family_size=self._family_size,
            fire_counts=self._numbers.report.fired,
            per_item=self._items(self._numbers.report.cost),
            details={"replacement": "mean output on the finding split", "heads_found_again": again},
        )

    def _compared_with_ablation(self) -> tuple[Comparison, Comparison, Comparison]:
        """Return the baseline, the null and the control of what ablating the heads costs."""
        baseline = Comparison(
            ComparisonKind.BASELINE,
            "the same ablation on each first period, where nothing repeats yet",
            self._estimate(self._numbers.report.cost_elsewhere),
        )
        null = Comparison(
            ComparisonKind.NULL,
            "the best heads of a dead model, weights shuffled inside each matrix, ablated in it",
            self._estimate(self._numbers.dead.cost),
        )
        matched = Comparison(
            ComparisonKind.CONTROL,
            _named_sets(self._numbers.control.size, self._asked_sets),
            statistics.estimate_mean(self._numbers.control, seed=self._seed, unit="sets of heads"),
        )
        return baseline, null, matched

    def _estimate(self, values: NDArray[np.float64]) -> Estimate:
        return statistics.estimate_mean(values, seed=self._seed, unit="sequences")

    def _stability(self, estimate: Estimate, values: NDArray[np.float64]) -> Stability:
        second = statistics.estimate_mean(values, seed=self._seed + 1, unit="sequences")
        return Stability(
            seed=self._seed,
            second_seed=self._seed + 1,
            second=second,
            agrees=estimate.overlaps(second),
            what="new token sequences and periods, same heads",
        )

    def _holds_for(self, site: str) -> HoldsFor:
        periods = self._numbers.repeats.periods
        return HoldsFor(
            model_digest=self._specification.model_digest,
            dataset_digest=self._numbers.repeats.digest(),
            languages=(),
            site=site,
            slice={
                "tokens": f"random, repeating with period {periods.min()} to {periods.max()}",
            },
        )

    def _even(self) -> NDArray[np.float64]:
        return uniform_scores(self._numbers.repeats.periods, self._numbers.repeats.ids.shape[1])

    def _units(
        self,
        values: NDArray[np.float64],
        *,
        dead: NDArray[np.float64],
        shuffled: NDArray[np.float64],
        text_only: NDArray[np.float64],
    ) -> tuple[TestedUnit, ...]:
        """Return each sequence, all of shape (sequence,), with its nulls; its tokens are drawn by themselves."""
        texts = [hashlib.sha256(row.astype("<i8").tobytes()).hexdigest() for row in self._numbers.repeats.ids]
        nulls = {
            NullKind.DEAD_MODEL: dead,
            NullKind.SHUFFLED_ORDER: shuffled,
            NullKind.TEXT_ONLY: text_only,
        }
        return tuple(
            TestedUnit(
                text, text, float(values[i]), {str(kind): float(each[i]) for kind, each in nulls.items()}
            )
            for i, text in enumerate(texts)
        )

    def _items(self, values: NDArray[np.float64]) -> tuple[ItemValue, ...]:
        periods = self._numbers.repeats.periods
        return tuple(
            ItemValue(f"sequence {i}, period {p}", float(v))
            for i, (p, v) in enumerate(zip(periods, values, strict=True))
        )


def ablation_cost(
    clean: Pass, changed: Pass, repeats: Repeats
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the rise in surprisal (sequence,), nats a token: where tokens repeat, and before they do."""
    rise = _kept(changed.surprisal).astype(np.float64) - _kept(clean.surprisal)  # (sequence, token - 1)
    position = np.arange(rise.shape[1])[None, :]
    repeated = position >= repeats.periods[:, None]  # token t has been seen, so t + 1 can be copied
    first = position < repeats.periods[:, None] - 1
    return (
        (rise * repeated).sum(axis=1) / repeated.sum(axis=1),
        (rise * first).sum(axis=1) / first.sum(axis=1),
    )


def _targets(period: int, length: int) -> NDArray[np.float32]:
    """1 where key s followed an earlier occurrence of query token t >= period. Shape (query, key)."""
    query, key = np.arange(length)[:, None], np.arange(length)[None, :]
    back = query - key + 1
    followed = (key >= 1) & (key < query)  # nothing precedes key 0, the attention sink
    hit: NDArray[np.bool_] = (query >= period) & followed & (back > 0) & (back % period == 0)
    return hit.astype(np.float32)


def _rows(found: Found, loaded: LoadedModel) -> list[int]:
    return [head.layer * loaded.shape.heads + head.head for head in found.heads]


def _named(heads: Sequence[Head]) -> str:
    return f"head {heads[0]}" if len(heads) == 1 else f"heads {' '.join(map(str, heads))} together"


def _named_sets(drawn: int, asked: int) -> str:
    """Say what the sets of the control are; where they are all there are, no p-value can be smaller than they allow."""
    if drawn < asked:
        return f"all {drawn} other sets of as many heads, ablated: no p below 1/{drawn + 1} can come of them"
    return f"{drawn} random sets of as many other heads, ablated"


def _different_sets(pool: Sequence[Head], size: int, draws: int, seed: int) -> list[tuple[Head, ...]]:
    """Return up to `draws` different sets of heads, at random; all there are where these are no more."""
    if comb(len(pool), size) <= draws:
        return list(combinations(pool, size))
    rng, sets = np.random.default_rng(seed), set[tuple[int, ...]]()
    while len(sets) < draws:
        sets.add(tuple(sorted(rng.choice(len(pool), size, replace=False).tolist())))
    return [tuple(pool[i] for i in each) for each in sorted(sets)]


def _ablation(heads: tuple[Head, ...], means: Floats) -> Ablation:
    return Ablation(heads, np.stack([means[head.layer, head.head] for head in heads]))


def _head(index: int, loaded: LoadedModel) -> Head:
    return Head(*divmod(index, loaded.shape.heads))


def _diagonal(scores: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    own = np.arange(scores.shape[1])
    return own, own


def _kept(kept: Floats | None) -> Floats:
    if kept is None:
        raise ProbeError("a forward pass kept less than was asked of it")
    array: Floats = kept
    return array
