"""The reporting part: turns numbers into a measurement that says what it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from interpret.probes.answer_texts import Array
from interpret.probes.dose import dose_response
from interpret.probes.estimates import WHY_SHIFT, Estimates, digest_of_texts, units_of
from interpret.probes.facts.statements import FactSet

RESTORING: Final = "fact.restoring"
WHAT_THE_SEED_CHANGES: Final = (
    "facts coupled anew, another dead model and other random places; same facts reported on, same layers"
)
DEAD: Final = "the same in a dead model, its weights shuffled inside each matrix"
THIRD: Final = "a third subject's residual in the same place, which takes the other fact away and brings none"


class Numbers:
    """What one seed's parts gave, as arrays over statements, two a fact."""

    def __init__(
        self, facts: Mapping[str, Any], dead: Mapping[str, Any], drawn: Mapping[str, Sequence[float]]
    ) -> None:
        """Take the parts' numbers; `drawn` of each random place."""
        self.told = facts
        self.drawn = np.asarray(drawn["moved"], dtype=np.float64)
        self.moved = np.asarray(facts["moved"], dtype=np.float64)
        self.nulls: dict[NullKind, Array] = {
            NullKind.DEAD_MODEL: np.asarray(dead["moved"], dtype=np.float64),
            NullKind.SHUFFLED_ORDER: np.asarray(facts["shuffled"], dtype=np.float64),
            NullKind.TEXT_ONLY: np.asarray(facts["third"], dtype=np.float64),
        }

    @property
    def p_value(self) -> float:
        """Return the rank of the subject's last token among the random places, as a p-value."""
        return statistics.p_from_permutations(float(self.moved.mean()), self.drawn)

    def by_fact(self, values: Array) -> Array:
        """Return the mean of each fact's statements."""
        names = self.told["facts"]
        return np.array(
            [
                np.mean([v for v, n in zip(values, names, strict=True) if n == name])
                for name in dict.fromkeys(names)
            ]
        )

    def tested(self, smallest: float) -> Tested:
        """Return what a verdict rests on."""
        return Tested(
            TestKind.SEARCH,
            smallest,
            WHY_SHIFT,
            units_of(self.told["facts"], self.told["texts"], self.moved, self.nulls),
            random_sets=tuple(float(value) for value in self.drawn),
            found_on=tuple(self.told["found_on"]),
        )


def write_all(
    specification: ProbeSpecification,
    facts: FactSet,
    given: Mapping[str, float],
    first: Numbers,
    second: Numbers,
) -> tuple[Measurement, ...]:
    """Return how far restoring a fact's subject brings its end back."""
    smallest, estimates, told = given["smallest_shift"], Estimates(specification.seed, "facts"), first.told
    estimate = estimates.of(first.by_fact(first.moved))
    layers = _layers(told["found"])
    drawn = statistics.estimate_mean(first.drawn, seed=specification.seed, unit="places")
    what = (
        f"{first.drawn.size} random places: another token after the subject but not the last, and as many layers,"
        " whichever way the answer moves"
    )
    measurement = Measurement(
        statistic=RESTORING,
        unit="log-odds",
        level=ClaimLevel.INTERVENTIONAL,
        estimate=estimate,
        baseline=estimates.compare(
            ComparisonKind.BASELINE, THIRD, first.by_fact(first.nulls[NullKind.TEXT_ONLY])
        ),
        null=estimates.compare(ComparisonKind.NULL, DEAD, first.by_fact(first.nulls[NullKind.DEAD_MODEL])),
        control=Comparison(ComparisonKind.CONTROL, what, drawn),
        tested=first.tested(smallest),
        holds_for=HoldsFor(
            model_digest=specification.model_digest,
            dataset_digest=digest_of_texts(told["texts"]),
            languages=(facts.language,),
            site=f"residual after {layers}, the subject's last token",
            tokenizer_digest=told["tokenizer_digest"],
        ),
        stability=estimates.stability(
            estimate,
            second.by_fact(second.moved),
            second.tested(smallest),
            second.p_value,
            WHAT_THE_SEED_CHANGES,
        ),
        supports=(
            f"In {facts.texts} that the model knows, with another subject in the place of the right one, the model's"
            f" inner state at the subject's last token (after {layers}), restored from the right statement, moves the"
            f" log-odds towards the fact's end by more than {smallest:g} beyond a third subject's state there, the same"
            " in a dead model and in another order, and more than at random places."
        ),
        does_not_show=(
            "That the fact is stored there, that it could be edited there (where a fact is found says nothing of where"
            " it can be changed), or how facts are told that the model does not know."
        ),
        p_value=first.p_value,
        q_value=first.p_value,
        correction="none: the 1 test of this run, on facts held out from the search for layers",
        family_size=1,
        fire_counts=told["fired"],
        per_item=tuple(
            ItemValue(name, float(value))
            for name, value in zip(dict.fromkeys(told["facts"]), first.by_fact(first.moved), strict=True)
        ),
        details={
            "facts_version": facts.version,
            "facts_stated": told["stated"],
            "facts_known": told["known"],
            "facts_reported_on": len(set(told["facts"])),
            "facts_layers_were_found_on": told["found_facts"],
            "mean_log_odds_right_and_other_subject": told["odds"],
            "heat_map": told["by_layer"],
            **_doses(first, estimates),
        },
    )
    return (measurement,)


def _doses(first: Numbers, estimates: Estimates) -> dict[str, Any]:
    """Return what restoring a part of the residual does; a part of before there were doses has none."""
    if "doses" not in first.told:
        return {}
    points = dose_response(
        estimates,
        values={
            dose: first.by_fact(np.asarray(values)).tolist() for dose, values in first.told["doses"].items()
        },
        whole=first.by_fact(first.moved),
        placebos=first.told["placebo_doses"],
        drawn=first.drawn,
        what="places",
    )
    return {"dose_response": points}


def _layers(found: Sequence[int]) -> str:
    first, last = found
    return f"layer {first}" if first == last else f"layers {first} to {last}"
