"""Induction heads: what attends to the token that followed the last time, and what ablating it costs.

Source: C. Olsson et al., "In-context Learning and Induction Heads" (2022, arXiv 2209.11895), prefix matching.
A fixed period would also be matched by a head that only counts positions, so each sequence has a period of
its own, and heads are tested by scoring the same attention at the other sequences' periods.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

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
    ProbeResult,
    ProbeSpecification,
    Progress,
    Stability,
    decide_status,
)
from interpret.errors import BadSpecification, ProbeError
from interpret.probes.forward import Ablation, Floats, ForwardPasses, Ids, Pass, Want
from interpret.probes.session import ModelSession
from interpret.probes.sites import Head
from interpret.probes.weights import LoadedModel
from interpret.registry import fill_parameters

KEY = "induction.heads"
MIN_SEQUENCES = 8  # on the reporting split: fewer are inconclusive
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


class InductionHeads:
    """Find heads on one half of the sequences, report and ablate them on the other."""

    code_version = "1"

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
        progress("report", 1, 5)
        report = study.report(loaded, found, report_on)
        progress("control", 2, 5)
        control = study.control(loaded, found, report_on, int(given["control_draws"]))
        progress("random twin", 3, 5)
        twin = models.twin(specification.model_digest, seed)
        twin_report = study.report(twin, study.find(twin, find_on), report_on)
        progress("second seed", 4, 5)
        refound = study.find(loaded, find_again)
        second = study.report(loaded, Found(found.heads, 0, found.n_heads, refound.means), report_again)
        progress("done", 5, 5)
        numbers = _Numbers(report_on, found, report, control, twin_report, refound, second)
        return ProbeResult(
            probe=KEY,
            code_version=self.code_version,
            measurements=_Writer(specification, numbers).measurements(),
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

    def report(self, loaded: LoadedModel, found: Found, repeats: Repeats) -> Report:
        """Score and ablate the found heads on the reporting split."""
        clean = self._passes.clean(loaded, repeats.ids, TO_REPORT)
        rows = [head.layer * loaded.shape.heads + head.head for head in found.heads]
        scores = prefix_scores(_kept(clean.attention), repeats.periods)[rows]
        p_values, permuted = compare_periods(scores, seed=self._seed + 1, permutations=self._permutations)
        changed = self._passes.ablated(loaded, repeats.ids, _ablation(found.heads, found.means))
        repeated, first = ablation_cost(clean, changed, repeats)
        return Report(scores[:, *_diagonal(scores)], p_values, permuted, repeated, first, changed.fired)

    def control(self, loaded: LoadedModel, found: Found, repeats: Repeats, draws: int) -> NDArray[np.float64]:
        """Return the cost (sequence,) of ablating as many other heads, the mean over `draws` random sets.

        Heads are drawn from the same layers as the found ones where these have enough others, else from all.
        """
        clean = self._passes.clean(loaded, repeats.ids, TO_REPORT)
        layers = {head.layer for head in found.heads}
        everywhere = [_head(index, loaded) for index in range(found.n_heads)]
        others = [head for head in everywhere if head not in found.heads]
        near = [head for head in others if head.layer in layers]
        pool = near if len(near) >= len(found.heads) else others
        rng = np.random.default_rng(self._seed)
        costs = []
        for _ in range(draws):
            drawn = tuple(pool[int(i)] for i in rng.choice(len(pool), len(found.heads), replace=False))
            changed = self._passes.ablated(loaded, repeats.ids, _ablation(drawn, found.means))
            costs.append(ablation_cost(clean, changed, repeats)[0])
        mean: NDArray[np.float64] = np.mean(costs, axis=0)
        return mean


@dataclass(frozen=True, slots=True)
class _Numbers:
    """What one run measured, before it is put in words."""

    repeats: Repeats  # the reporting split
    found: Found
    report: Report  # of the found heads
    control: NDArray[np.float64]  # (sequence,): what ablating as many other heads costs
    twin: Report  # of the heads that the same search finds in a randomly initialised model
    refound: Found  # with a second seed
    second: Report  # of the found heads, on sequences of the second seed


class _Writer:
    """The reporting part: turns numbers into measurements that say what they are."""

    def __init__(self, specification: ProbeSpecification, numbers: _Numbers) -> None:
        self._specification, self._numbers, self._seed = specification, numbers, specification.seed

    def measurements(self) -> tuple[Measurement, ...]:
        """One measurement a head, and one of ablating them all; the p-values are corrected together."""
        over_control = self._numbers.report.cost - self._numbers.control
        p_cost = statistics.p_by_sign_flips(over_control, seed=self._seed, permutations=9999)
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
            status=decide_status(
                estimate=estimate,
                comparisons=(baseline, null),
                direction="above",
                min_n=MIN_SEQUENCES,
                q_value=q_value,
            ),
            estimate=estimate,
            baseline=baseline,
            null=null,
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
        uniform = uniform_scores(self._numbers.repeats.periods, self._numbers.repeats.ids.shape[1])
        baseline = Comparison(
            ComparisonKind.BASELINE, "even attention to all tokens so far", self._estimate(uniform)
        )
        null = Comparison(
            ComparisonKind.NULL,
            f"the head of rank {rank + 1} that the same search finds in a randomly initialised model",
            self._estimate(self._numbers.twin.scores[rank]),
        )
        return baseline, null

    def _ablation_cost(self, p_value: float, q_value: float, correction: str) -> Measurement:
        estimate = self._estimate(self._numbers.report.cost)
        baseline, null, matched = self._compared_with_ablation()
        names = " ".join(str(head) for head in self._numbers.found.heads)
        again = len(set(self._numbers.found.heads) & set(self._numbers.refound.heads))
        return Measurement(
            statistic="induction.ablation_cost",
            unit="nats per token",
            level=ClaimLevel.INTERVENTIONAL,
            status=decide_status(
                estimate=estimate,
                comparisons=(baseline, null, matched),
                direction="above",
                min_n=MIN_SEQUENCES,
                q_value=q_value,
            ),
            estimate=estimate,
            baseline=baseline,
            null=null,
            control=matched,
            holds_for=self._holds_for(f"heads {names}"),
            stability=self._stability(estimate, self._numbers.second.cost),
            supports=f"Heads {names} together implement copying on random tokens that repeat.",
            does_not_show=(
                "That no other head does so too, that copying on natural text runs through them, or that the"
                " sources of an answer were copied."
            ),
            p_value=p_value,
            q_value=q_value,
            correction=correction,
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
            "the best heads of a randomly initialised model, ablated in it",
            self._estimate(self._numbers.twin.cost),
        )
        matched = Comparison(
            ComparisonKind.CONTROL,
            "as many other heads, drawn at random, ablated",
            self._estimate(self._numbers.control),
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
    hit: NDArray[np.bool_] = (query >= period) & (key < query) & (back > 0) & (back % period == 0)
    return hit.astype(np.float32)


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
