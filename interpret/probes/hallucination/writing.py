"""The reporting part: turns numbers into a measurement that says what it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from interpret.contracts import (
    ClaimLevel,
    HoldsFor,
    Measurement,
    NullKind,
    ProbeSpecification,
    TestKind,
)
from interpret.probes.directions.writing import Both, Claim, Value, Writer, value_of
from interpret.probes.estimates import digest_of_texts
from interpret.probes.hallucination.prompt_sets import ClaimSet
from interpret.probes.hallucination.study import AFTER, OWN, READINGS

WHAT_THE_SEED_CHANGES: Final = "the domains exchanged, so new directions; another dead model"
CORRECTION: Final = "the one test of this run, on a domain held out from fitting"
WHY: Final = (
    "0.5 is a guess: a reading of the inside that ranks one claim in ten better than the model's own surprise and the"
    " words do is the least that pays for looking inside"
)
RIVALS: Final[Mapping[str, str]] = {
    "surprisal own": "how surprising the claim's own words are to the model",
    "surprisal after": "how surprising the words after the claim are to the model",
    "entropy own": "how unsure the model is of its next word at the claim",
    "entropy after": "how unsure the model is of its next word after the claim",
}
BALANCED: Final[Mapping[str, str]] = {
    "length": "how long the text is",
    "words": "which words stand in the text, by a direction fitted likewise",
}
PLACES: Final[Mapping[str, str]] = {
    OWN: "tokens of the claim's own words",
    AFTER: "tokens after the claim's own words",
}
SURE: Final = 2.0  # standard errors: about the bound of a verdict, to find the comparison that is least sure
Seed: TypeAlias = tuple[Mapping[str, Any], Mapping[str, Any]]  # of the model, of its dead copy


def write_all(
    specification: ProbeSpecification,
    prompts: ClaimSet,
    given: Mapping[str, float],
    first: Seed,
    second: Seed,
) -> tuple[Measurement, ...]:
    """Return the measurement; what is told in the directions' own domain stands beside it, and is not judged."""
    told = first[0]
    reading, rival = _judged_at(first)
    claim = _claim(prompts, given["smallest_gain"], told, rival)
    writer = Writer(
        specification,
        unit="facts",
        seed_changes=WHAT_THE_SEED_CHANGES,
        correction=CORRECTION,
        fire_counts={},
        details=_details(prompts, told, second[0], reading),
    )
    return writer.write(
        [claim],
        {claim.name: Both(_value(first), _value(second))},
        _holds_for(specification, prompts, told, reading),
    )


def _judged_at(seed: Seed) -> tuple[str, str]:
    """Return the reading and the rival that are judged: those of the comparison that is least sure.

    Both readings have to lie beyond each null and each rival. Where the one whose lowest bound is lowest does, so does
    the other, and where it lies beyond the rival of which it is least sure, it lies beyond all.
    """
    told, dead = seed
    least = {
        name: min(
            _bound(told["told"][name], null)
            for null in (dead[name], told["shuffled"][name], *told["rivals"].values())
        )
        for name in READINGS
    }
    reading = min(READINGS, key=lambda name: least[name])
    rivals = {name: _bound(told["told"][reading], each) for name, each in told["rivals"].items()}
    return reading, min(rivals, key=lambda name: rivals[name])


def _bound(mine: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the mean difference by fact less so many of its standard errors."""
    apart = np.subtract(mine, theirs)
    return float(apart.mean() - SURE * apart.std(ddof=1) / np.sqrt(apart.size))


def _value(seed: Seed) -> Value:
    told, dead = seed
    reading, rival = _judged_at(seed)
    nulls = {
        NullKind.DEAD_MODEL: dead[reading],
        NullKind.SHUFFLED_ORDER: told["shuffled"][reading],
        NullKind.TEXT_ONLY: told["rivals"][rival],
    }
    return value_of(told, told["told"][reading], nulls, p_value=told["p_value"])


def _claim(prompts: ClaimSet, gain: float, told: Mapping[str, Any], rival: str) -> Claim:
    fitted, reported = prompts.domains
    return Claim(
        name="told",
        statistic="hallucination.signs",
        unit="probability",
        level=ClaimLevel.ASSOCIATIONAL,
        kind=TestKind.SEARCH,
        smallest=gain,
        why=WHY,
        baseline=(
            "whichever the reading is least sure to surpass of the model's surprise and uncertainty, at the claim and"
            f" after it: here {RIVALS[rival]}"
        ),
        supports=(
            f"In {prompts.texts} on {reported}, the model's inner state (after layer {told['layer']}) goes with whether"
            " a claim's own words are backed by its source: directions in it, fitted on answers on"
            f" {fitted}, rank a claim that is not backed above one that is, more often by more than {gain:g}, both at"
            " the claim's own words and after them, than the model's surprise and its uncertainty do, than the same in"
            " a dead model, and than in the same tokens in another order."
        ),
        does_not_show=(
            "That an answer is right or wrong, or that the model knows what it makes up: a claim that is not backed may"
            f" be true, and what is read may be no more than that {prompts.noticed} before, which a comparison of the"
            " texts tells as well or better. The claims were put into its mouth, and nothing was changed: no"
            " answer need depend on it. Nor that it is so of other claims, domains or lengths, or of answers it writes"
            " itself."
        ),
    )


def _details(
    prompts: ClaimSet, told: Mapping[str, Any], again: Mapping[str, Any], read: str
) -> dict[str, Any]:
    rows, swapped = told["rows"], again["rows"]
    return {
        "prompt_set": prompts.name,
        "prompt_set_version": prompts.version,
        "facts_fitted_on": told["fitted"],
        "facts_reported_on": len(told["clusters"]),
        "facts_left_out_for_their_length": told["left_out"],
        "judged_at": PLACES[read],
        "told_at_the_claim": rows["across"][OWN],
        "told_after_the_claim": rows["across"][AFTER],
        "told_in_its_own_domain": rows["within"][read],
        "same_claim_with_and_without_its_source_told": rows["side_by_side"],
        "told_with_the_labels_shuffled": rows["labels_shuffled"][read],
        "told_otherwise": {RIVALS[name]: area for name, area in rows["rivals"].items()},
        "told_by_what_the_facts_balance": {BALANCED[name]: area for name, area in rows["balanced"].items()},
        "told_by_a_comparison_of_the_texts": rows["texts_compared"],
        "heat_map": {
            "rows": list(prompts.domains),
            "columns": list(prompts.domains),
            "row": "fitted on",
            "column": "reported on",
            "unit": "probability",
            "values": [
                [rows["within"][read], rows["across"][read]],
                [swapped["across"][read], swapped["within"][read]],
            ],
        },
    }


def _holds_for(
    specification: ProbeSpecification, prompts: ClaimSet, told: Mapping[str, Any], read: str
) -> HoldsFor:
    return HoldsFor(
        model_digest=specification.model_digest,
        dataset_digest=digest_of_texts(told["texts"]),
        languages=(prompts.language,),
        site=f"residual after layer {told['layer']}, {PLACES[read]}",
        slice={"fitted on": prompts.domains[0], "reported on": prompts.domains[1]},
        tokenizer_digest=told["tokenizer_digest"],
    )
