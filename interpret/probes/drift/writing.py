"""The reporting part: turns numbers into measurements that say what they are."""

from __future__ import annotations

from collections.abc import Mapping
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
    TestKind,
)
from interpret.errors import ProbeError, TooCoarse
from interpret.probes.drift.material import Texts
from interpret.probes.drift.study import DEAD, SAME, SHUFFLED, WORDLESS
from interpret.probes.estimates import Array, Estimates, digest_of_texts, units_of

WHY_DIVERGENCE: Final = (
    "0.02 nats move at most a tenth of the probability to other next tokens, by Pinsker's inequality"
)
WHY_CHANGE: Final = "a tenth of how far states lie from their mean is a hundredth of their variance"
WHY_SHARE: Final = "a tenth of what features write is more than one of a few hundred does by chance"
SHARES: Final = "shares"  # of what exclusive features write
WHAT_THE_SEED_CHANGES: Final = (
    "the half of the texts that is reported on, and the crosscoders, trained on the other half"
)
READ_AS: Final = {NullKind.SHUFFLED_ORDER: SHUFFLED, NullKind.TEXT_ONLY: WORDLESS, NullKind.DEAD_MODEL: DEAD}
AA: Final = (
    "the earlier model beside itself in other numbers, its weights rounded to float16, on the same texts"
)
DEAD_AA: Final = (
    "a dead copy of the earlier model, its weights shuffled inside each matrix, beside itself in other numbers; where"
    " the earlier model itself gives more on a text, that"
)
BEYOND: Final = (
    "beyond what lies between the earlier model and itself in other numbers (its weights rounded to float16): on the"
    " same texts, in another order, without words, and in a dead copy"
)


class Numbers:
    """What the parts gave, of the half of the texts that one seed reports on."""

    def __init__(
        self,
        releases: Mapping[str, Any],
        itself: Mapping[str, Any],
        again: int,
        *,
        features: Mapping[str, Any] | None,
    ) -> None:
        """Take the parts' numbers; `again` 0 for the first seed, 1 for the second. Features: None were compared."""
        self.told, self._itself, self.again, self.features = releases, itself, again, features
        half = len(releases["texts"]) // 2
        self._half = slice(half, None) if again else slice(0, half)
        self._other = slice(0, half) if again else slice(half, None)

    @property
    def clusters(self) -> list[str]:
        """Return the names of the texts that are reported on."""
        return list(self.told["clusters"][self._half])

    @property
    def texts(self) -> list[str]:
        """Return the digests of the texts that are reported on."""
        return list(self.told["texts"][self._half])

    @property
    def found_on(self) -> tuple[str, ...]:
        """Return those of the other half, and their names."""
        return (*self.told["texts"][self._other], *self.told["clusters"][self._other])

    def has(self, name: str) -> bool:
        """Return whether that was measured."""
        return self.features is not None if name == SHARES else name in self.told

    def of(self, name: str) -> Array:
        """Return what lies between the releases, by text: "divergence", "change", "shares" and the like."""
        if name == SHARES:
            return np.asarray(self._of_features()[SHARES], dtype=np.float64)
        return np.asarray(self.told[name][self._half], dtype=np.float64)

    def itself(self, name: str, how: str) -> Array:
        """Return what lies between the earlier model and itself, by text."""
        if name == SHARES:
            return np.asarray(self._of_features()["nulls"][how][SHARES], dtype=np.float64)
        return np.asarray(self._itself[how][name][self._half], dtype=np.float64)

    def null(self, name: str, kind: NullKind) -> Array:
        """Return the null of each text: no less than the A/A on that text."""
        return np.maximum(self.itself(name, SAME), self.itself(name, READ_AS[kind]))

    def p_value(self, name: str, *, seed: int, permutations: int) -> float:
        """Return that of the difference to the largest of all nulls, text by text."""
        largest = np.max([self.null(name, kind) for kind in NullKind], axis=0)
        return statistics.p_from_sign_flips(
            self.of(name) - largest, seed=seed + self.again, permutations=permutations
        )

    def tested(self, claim: _Claim) -> Tested:
        """Return what a verdict rests on."""
        nulls = {kind: self.null(claim.name, kind) for kind in NullKind}
        units = units_of(self.clusters, self.texts, self.of(claim.name), nulls)
        return Tested(claim.kind, claim.smallest, claim.why, units, found_on=self.found_on)

    def layers(self, name: str = "layers") -> Array:
        """Return what lies between the releases after each layer, the mean over texts."""
        return np.asarray(self.told[name][self.again], dtype=np.float64)

    def layers_of_itself(self) -> Array:
        """Return what lies between the earlier model and itself after each layer, on the same texts."""
        return np.asarray(self._itself[SAME]["layers"][self.again], dtype=np.float64)

    def _of_features(self) -> Mapping[str, Any]:
        if self.features is None:
            raise ProbeError("features were not compared")
        return self.features


@dataclass(frozen=True, slots=True)
class _Claim:
    """One of the three, in words. A test of an effect at a site that was named can show that nothing changed."""

    name: str  # as in `Numbers.of`
    statistic: str
    unit: str
    site: str
    parameter: str  # that `smallest` was given by
    kind: TestKind
    smallest: float
    why: str
    supports: str
    does_not_show: str


def write_all(
    specification: ProbeSpecification,
    texts: Texts,
    given: Mapping[str, float],
    first: Numbers,
    second: Numbers,
    *,
    against: str,
) -> tuple[Measurement, ...]:
    """Return the measurements; their p-values are corrected together.

    Raises:
        TooCoarse: a null is so large that what is no more than it could not be called the same.
    """
    claims = [claim for claim in _claims(texts, given, first) if first.has(claim.name)]
    for claim in claims:
        if claim.kind is TestKind.EFFECT:
            _check_fine(claim, first, second)
    writer = _Writer(
        specification, texts, first, second, against=against, permutations=int(given["permutations"])
    )
    p_values = [writer.p_value(first, claim) for claim in claims]
    q_values = statistics.adjust_benjamini_hochberg(p_values).tolist()
    return tuple(
        writer.measurement(claim, p, float(q), len(claims))
        for claim, p, q in zip(claims, p_values, q_values, strict=True)
    )


def _check_fine(claim: _Claim, *numbers: Numbers) -> None:
    """Refuse a null of more than half the smallest effect: who is no further from it may well have changed."""
    for kind in NullKind:
        null = max(float(each.null(claim.name, kind).mean()) for each in numbers)
        if null > claim.smallest / 2:
            raise TooCoarse(
                f"{claim.statistic}: beside itself in other numbers the earlier model is {null:.3g} {claim.unit} apart"
                f" ({kind}), more than half of the {claim.smallest:g} that are to be told: ask for a larger"
                f" {claim.parameter}"
            )


def _claims(texts: Texts, given: Mapping[str, float], numbers: Numbers) -> tuple[_Claim, ...]:
    divergence, change, share = (given[f"smallest_{name}"] for name in ("divergence", "change", "exclusive"))
    layer = numbers.features["layer"] if numbers.features else 0
    return (
        _Claim(
            name="divergence",
            statistic="drift.output",
            unit="nats",
            site="final logits",
            parameter="smallest_divergence",
            kind=TestKind.EFFECT,
            smallest=divergence,
            why=WHY_DIVERGENCE,
            supports=(
                f"On {texts.says}, the model's next-token distributions diverge from the earlier model's by more than"
                f" {divergence:g} nats a token, {BEYOND}."
            ),
            does_not_show=(
                "What changed inside, whether answers are better or worse, or what either model does on other texts,"
                " such as ones with a trigger that these do not hold."
            ),
        ),
        _Claim(
            name="change",
            statistic="drift.layers",
            unit="share of the spread",
            site="residual after each layer, the one that differs most",
            parameter="smallest_change",
            kind=TestKind.EFFECT,
            smallest=change,
            why=WHY_CHANGE,
            supports=(
                f"On {texts.says}, after the layer where it is most, the model's inner states differ from the earlier"
                " model's in the same coordinates, one factor a layer allowed for, by more than"
                f" {change:g} of how far these lie from their mean, {BEYOND}."
            ),
            does_not_show=(
                "That anything it predicts changed: what is written in other coordinates may mean the same. Nor which"
                " part changed, whether what gives the same states inside a layer is the same, or what is so on other"
                " texts."
            ),
        ),
        _Claim(
            name=SHARES,
            statistic="drift.features",
            unit="share of what features write",
            site=f"residual after layer {layer}, features of a crosscoder",
            parameter="smallest_exclusive",
            kind=TestKind.SEARCH,
            smallest=share,
            why=WHY_SHARE,
            supports=(
                f"On {texts.says}, after layer {layer}, features of a crosscoder of both models that are more exclusive"
                " to one of them than any is of the earlier model beside itself (the A/A maximum) write more by"
                f" {share:g} of what all write than such features do of the earlier model beside itself: in another"
                " training, in another order, without words, and in a dead copy."
            ),
            does_not_show=(
                "What any feature means, which of the models is the better for it, that the features are wholly one"
                " model's, or that there are no others: a larger crosscoder finds others, and so do other texts."
            ),
        ),
    )


class _Writer:
    """Writes one measurement a claim."""

    def __init__(
        self,
        specification: ProbeSpecification,
        texts: Texts,
        first: Numbers,
        second: Numbers,
        *,
        against: str,
        permutations: int,
    ) -> None:
        self._specification, self._texts, self._against = specification, texts, against
        self._first, self._second, self._permutations = first, second, permutations
        self._estimates = Estimates(specification.seed, "texts")

    def p_value(self, numbers: Numbers, claim: _Claim) -> float:
        """Return a claim's p-value with one seed."""
        return numbers.p_value(claim.name, seed=self._specification.seed, permutations=self._permutations)

    def measurement(self, claim: _Claim, p_value: float, q_value: float, family: int) -> Measurement:
        """Return what was measured of one claim, in words."""
        first, second, estimates = self._first, self._second, self._estimates
        values, again = first.of(claim.name), second.of(claim.name)
        estimate = estimates.of(values)
        return Measurement(
            statistic=claim.statistic,
            unit=claim.unit,
            level=ClaimLevel.ASSOCIATIONAL,
            estimate=estimate,
            baseline=estimates.compare(ComparisonKind.BASELINE, AA, first.itself(claim.name, SAME)),
            null=estimates.compare(ComparisonKind.NULL, DEAD_AA, first.null(claim.name, NullKind.DEAD_MODEL)),
            tested=first.tested(claim),
            holds_for=self._holds_for(claim),
            stability=estimates.stability(
                estimate, again, second.tested(claim), self.p_value(second, claim), WHAT_THE_SEED_CHANGES
            ),
            supports=claim.supports,
            does_not_show=claim.does_not_show,
            p_value=p_value,
            q_value=q_value,
            correction=f"Benjamini-Hochberg over the {family} comparisons of this run",
            family_size=family,
            fire_counts={} if claim.name == "divergence" else first.told["fired"],
            per_item=tuple(
                ItemValue(name, float(value)) for name, value in zip(first.clusters, values, strict=True)
            ),
            details=self._details_of(claim.name),
        )

    def _details_of(self, name: str) -> dict[str, Any]:
        if name == SHARES:
            return self._of_features()
        return self._of_layers() if name == "change" else self._of_outputs()

    def _of_features(self) -> dict[str, Any]:
        told = self._first.features or {}
        return {"against": self._against} | {
            name: told[name]
            for name in ("features", "exclusive", "most_exclusive", "aa_maximum", "exclusive_beside_itself")
        }

    def _of_outputs(self) -> dict[str, Any]:
        first = self._first
        return {
            "against": self._against,
            "texts_version": self._texts.version,
            "texts_reported_on": len(first.texts),
            "tokens_read": first.told["tokens"],
            "share_of_tokens_with_another_likeliest_next": float(first.of("other_first").mean()),
        }

    def _of_layers(self) -> dict[str, Any]:
        first, second = self._first, self._second
        layers, itself, largest = first.layers(), first.layers_of_itself(), int(second.layers().argmax())
        return {
            "against": self._against,
            "layer_that_differs_most_in_the_other_half": largest,
            "there_in_this_half": float(layers[largest]),
            "with_massive_tokens": float(first.of("change_with_massive").mean()),
            "massive_tokens": first.told["massive"],
            "heat_map": {
                "rows": ["the two releases", "the earlier beside itself"],
                "columns": [str(layer) for layer in range(layers.size)],
                "row": "models",
                "column": "layer",
                "unit": "share of the spread",
                "values": [layers.tolist(), itself.tolist()],
            },
        }

    def _holds_for(self, claim: _Claim) -> HoldsFor:
        return HoldsFor(
            model_digest=self._specification.model_digest,
            dataset_digest=digest_of_texts(self._first.texts),
            languages=(self._texts.language,),
            site=claim.site,
            slice={"against": self._against},
            tokenizer_digest=self._first.told["tokenizer_digest"],
        )
