"""The reporting part: turns numbers into measurements that say what they are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from interpret import statistics
from interpret.contracts import (
    ClaimLevel,
    Comparison,
    ComparisonKind,
    HoldsFor,
    ItemValue,
    Measurement,
    NullKind,
    ProbeSpecification,
    Tested,
    TestKind,
)
from interpret.probes.head_writing import Array, Estimates, units_of
from interpret.probes.proxies.prompt_sets import PromptSet

WHY_GAIN: Final = (
    "0.5 is a guess: whoever gains less than 0.1 on what the words tell anyway is hardly surer than that"
)
WHY_SHIFT: Final = "0.1 in log-odds moves an even answer by two and a half per cent: less is not felt"
WHAT_THE_SEED_CHANGES: Final = (
    "the words of both halves exchanged, so a new direction; another dead model and other random directions;"
    " same halves of the templates"
)
DEAD: Final = "a direction fitted likewise in a dead model, its weights shuffled inside each matrix"


class Numbers:
    """What one seed's parts gave, as arrays over the reporting pairs."""

    def __init__(
        self, pairs: Mapping[str, Any], dead: Mapping[str, Any], drawn: Mapping[str, Sequence[float]]
    ) -> None:
        """Take the parts' numbers; `drawn` of each random direction, by what was done."""
        self.told, self._dead = pairs, dead
        self._drawn = drawn

    def of(self, name: str) -> Array:
        """Return what "told", "removed" or "exchanged" comes to in each pair."""
        return np.asarray(self.told[name], dtype=np.float64)

    def null(self, name: str, kind: NullKind) -> Array:
        """Return the same under a null."""
        if kind is NullKind.DEAD_MODEL:
            values = self._dead[name]
        elif name == "told":
            values = self.told[
                {NullKind.SHUFFLED_ORDER: "told_shuffled", NullKind.TEXT_ONLY: "told_by_text"}[kind]
            ]
        else:
            values = self.told[{NullKind.SHUFFLED_ORDER: "shuffled", NullKind.TEXT_ONLY: "neutral"}[kind]][
                name
            ]
        return np.asarray(values, dtype=np.float64)

    def drawn(self, name: str) -> Array:
        """Return what each random direction comes to, with the sign that gives more."""
        return np.asarray(self._drawn[name], dtype=np.float64)

    def p_value(self, name: str) -> float:
        """Return the p-value of reading, or the rank among the random directions as one."""
        if name == "told":
            return float(self.told["p_value"])
        return statistics.p_from_permutations(float(self.of(name).mean()), self.drawn(name))

    def tested(self, name: str, kind: TestKind, smallest: float, why: str) -> Tested:
        """Return what a verdict rests on."""
        nulls = {each: self.null(name, each) for each in NullKind}
        units = units_of(self.told["clusters"], self.told["texts"], self.of(name), nulls)
        sets = () if name == "told" else tuple(float(value) for value in self.drawn(name))
        return Tested(kind, smallest, why, units, random_sets=sets, found_on=tuple(self.told["found_on"]))


@dataclass(frozen=True, slots=True)
class _Claim:
    """One of the three, in words."""

    name: str  # as in `Numbers.of`
    statistic: str
    unit: str
    level: ClaimLevel
    kind: TestKind
    smallest: float
    why: str
    baseline: str
    supports: str
    does_not_show: str


def write_all(
    specification: ProbeSpecification,
    prompts: PromptSet,
    given: Mapping[str, float],
    first: Numbers,
    second: Numbers,
) -> tuple[Measurement, ...]:
    """Return the three measurements; their p-values are corrected together."""
    claims = _claims(prompts, given, int(first.told["found"]["layer"]))
    p_values = [first.p_value(claim.name) for claim in claims]
    q_values = statistics.adjust_benjamini_hochberg(p_values).tolist()
    writer = _Writer(specification, prompts, first, second)
    return tuple(
        writer.measurement(claim, p, float(q)) for claim, p, q in zip(claims, p_values, q_values, strict=True)
    )


def _claims(prompts: PromptSet, given: Mapping[str, float], layer: int) -> tuple[_Claim, ...]:
    gain, shift = given["smallest_gain"], given["smallest_shift"]
    one, other = prompts.sides
    named = " over ".join(f"“{answer.strip()}”" for answer in prompts.answers)
    answers = f"{named} (by the first token that differs)"
    where = f"inner state just before the answer (after layer {layer})"
    direction = f"the direction that tells {one} from {other}"
    neutral = "the same between two words of one side"
    use: dict[str, Any] = {
        "unit": "log-odds",
        "level": ClaimLevel.INTERVENTIONAL,
        "smallest": shift,
        "why": WHY_SHIFT,
    }
    beyond = (
        f"by more than {shift:g} beyond the same in a dead model, between two words of one side, and in another order,"
        " and more than random changes of the same size do"
    )
    not_person = (
        "that it is the attribute and not something else that sets these words apart, that it is so in other texts, or"
        " what becomes of any person."
    )
    return (
        _Claim(
            name="told",
            statistic="proxies.decodable",
            unit="probability",
            level=ClaimLevel.ASSOCIATIONAL,
            kind=TestKind.SEARCH,
            smallest=gain,
            why=WHY_GAIN,
            baseline="what the text alone tells: its tokens, letters and length, by a direction fitted likewise",
            supports=(
                f"In {prompts.texts}, the model's {where} holds which of two texts has {one} and which {other}: one"
                " direction in it, fitted on other texts and other words, is surer of that by more than"
                f" {gain:g} in probability than the text alone, than the same in a dead model, and than in the same"
                " tokens in another order."
            ),
            does_not_show=f"That any answer depends on it: what can be read need not be used. Nor {not_person}",
        ),
        _Claim(
            name="removed",
            statistic="proxies.removal",
            kind=TestKind.NECESSITY,
            baseline=neutral,
            supports=(
                f"In {prompts.texts}, without {direction} in the model's {where}, its log-odds of {answers} differ less"
                f" between the two sides, {beyond}."
            ),
            does_not_show=(
                "That no difference is left, that nothing else in the model carries it, or that the difference is"
                f" large; nor {not_person}"
            ),
            **use,
        ),
        _Claim(
            name="exchanged",
            statistic="proxies.reinjection",
            kind=TestKind.SEARCH,
            baseline=neutral,
            supports=(
                f"In {prompts.texts}, a text whose {where} is given the other side's amount of {direction} is answered"
                f" more as that side is: the log-odds of {answers} move there, both ways, {beyond}."
            ),
            does_not_show=(
                f"That the answer itself changes, or that this direction is the only way to it; nor {not_person}"
            ),
            **use,
        ),
    )


class _Writer:
    """Writes one measurement a claim."""

    def __init__(
        self, specification: ProbeSpecification, prompts: PromptSet, first: Numbers, second: Numbers
    ) -> None:
        self._specification, self._prompts = specification, prompts
        self._first, self._second = first, second
        self._estimates = Estimates(specification.seed, "pairs")

    def measurement(self, claim: _Claim, p_value: float, q_value: float) -> Measurement:
        """Return what was measured of one claim, in words."""
        first, second, estimates = self._first, self._second, self._estimates
        values, again = first.of(claim.name), second.of(claim.name)
        estimate = estimates.of(values)
        tested, tested_again = (
            each.tested(claim.name, claim.kind, claim.smallest, claim.why) for each in (first, second)
        )
        return Measurement(
            statistic=claim.statistic,
            unit=claim.unit,
            level=claim.level,
            estimate=estimate,
            baseline=estimates.compare(
                ComparisonKind.BASELINE, claim.baseline, first.null(claim.name, NullKind.TEXT_ONLY)
            ),
            null=estimates.compare(ComparisonKind.NULL, DEAD, first.null(claim.name, NullKind.DEAD_MODEL)),
            control=self._control(claim),
            tested=tested,
            holds_for=self._holds_for(),
            stability=estimates.stability(
                estimate, again, tested_again, second.p_value(claim.name), WHAT_THE_SEED_CHANGES
            ),
            supports=claim.supports,
            does_not_show=claim.does_not_show,
            p_value=p_value,
            q_value=q_value,
            correction="Benjamini-Hochberg over the 3 tests of this run, on pairs held out from fitting",
            family_size=3,
            fire_counts=first.told["fired"],
            per_item=tuple(
                ItemValue(cluster, float(value))
                for cluster, value in zip(first.told["clusters"], values, strict=True)
            ),
            details=self._details(),
        )

    def _control(self, claim: _Claim) -> Comparison | None:
        if claim.level is ClaimLevel.ASSOCIATIONAL:
            return None
        drawn = self._first.drawn(claim.name)
        estimate = statistics.estimate_mean(drawn, seed=self._specification.seed, unit="random directions")
        what = (
            f"as much changed along each of {drawn.size} random directions in which texts of one side differ, with the"
            " sign that gives more"
        )
        return Comparison(ComparisonKind.CONTROL, what, estimate)

    def _details(self) -> dict[str, Any]:
        told = self._first.told
        return {
            "prompt_set": self._prompts.name,
            "prompt_set_version": self._prompts.version,
            "says": self._prompts.says,
            "pairs_fitted_on": told["fitted"],
            "pairs_reported_on": len(told["clusters"]),
            "words_without_a_partner_of_their_length": told["left_out"],
            "mean_log_odds_of_each_side": told["odds"],
            "difference_in_log_odds": float(np.mean(told["gap"])),
            "moved_each_way": told["ways"],
            "told_in_another_order": float(np.mean(told["told_shuffled"])),
            "massive_residuals": told["massive"],
        }

    def _holds_for(self) -> HoldsFor:
        told = self._first.told
        return HoldsFor(
            model_digest=self._specification.model_digest,
            dataset_digest=hashlib.sha256(" ".join(sorted(told["texts"])).encode()).hexdigest(),
            languages=(self._prompts.language,),
            site=f"residual after layer {told['found']['layer']}, last token",
            slice={"copilot": self._prompts.copilot, "attribute": self._prompts.attribute},
            tokenizer_digest=told["tokenizer_digest"],
        )
