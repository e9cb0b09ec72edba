"""The reporting part: turns numbers into measurements that say what they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from interpret.contracts import (
    ClaimLevel,
    HoldsFor,
    Measurement,
    NullKind,
    ProbeSpecification,
    TestKind,
)
from interpret.probes.directions.writing import (
    WHY_GAIN,
    Both,
    Claim,
    Value,
    Writer,
    value_of,
)
from interpret.probes.estimates import WHY_SHIFT, digest_of_texts
from interpret.probes.proxies.prompt_sets import PromptSet

WHAT_THE_SEED_CHANGES: Final = (
    "the words of both halves exchanged, so a new direction; another dead model and other random directions;"
    " same halves of the templates"
)
CORRECTION: Final = "Benjamini-Hochberg over the 3 tests of this run, on pairs held out from fitting"


@dataclass(frozen=True, slots=True)
class Numbers:
    """What one seed's parts gave; `drawn` of each random direction, by what was done."""

    told: Mapping[str, Any]
    dead: Mapping[str, Any]
    drawn: Mapping[str, list[float]]

    def of(self, name: str) -> Value:
        """Return what "told", "removed" or "exchanged" comes to in each pair."""
        told, dead = self.told, self.dead[name]
        if name == "told":
            nulls = {
                NullKind.DEAD_MODEL: dead,
                NullKind.SHUFFLED_ORDER: told["told_shuffled"],
                NullKind.TEXT_ONLY: told["told_by_text"],
            }
            return value_of(told, told[name], nulls, p_value=told["p_value"])
        nulls = {
            NullKind.DEAD_MODEL: dead,
            NullKind.SHUFFLED_ORDER: told["shuffled"][name],
            NullKind.TEXT_ONLY: told["neutral"][name],
        }
        doses = told.get("doses", {}).get(name)
        return value_of(told, told[name], nulls, drawn=self.drawn[name], doses=doses)


def write_all(
    specification: ProbeSpecification,
    prompts: PromptSet,
    given: Mapping[str, float],
    first: Numbers,
    second: Numbers,
) -> tuple[Measurement, ...]:
    """Return the three measurements; their p-values are corrected together."""
    claims = _claims(prompts, given, int(first.told["found"]["layer"]))
    writer = Writer(
        specification,
        unit="pairs",
        seed_changes=WHAT_THE_SEED_CHANGES,
        correction=CORRECTION,
        fire_counts=first.told["fired"],
        details=_details(prompts, first.told),
    )
    values = {claim.name: Both(first.of(claim.name), second.of(claim.name)) for claim in claims}
    read, *used = writer.write(claims, values, _holds_for(specification, prompts, first.told))
    beside = {"beside": first.told["beside"]} if "beside" in first.told else {}  # parts of before lack it
    return replace(read, details={**read.details, **beside}), *used


def _claims(prompts: PromptSet, given: Mapping[str, float], layer: int) -> tuple[Claim, ...]:
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
        "control": (
            "as much changed along each of {} random directions in which texts of one side differ, with the sign that"
            " gives more"
        ),
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
        Claim(
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
        Claim(
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
        Claim(
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


def _details(prompts: PromptSet, told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "prompt_set": prompts.name,
        "prompt_set_version": prompts.version,
        "says": prompts.says,
        "pairs_fitted_on": told["fitted"],
        "pairs_reported_on": len(told["clusters"]),
        "words_without_a_partner_of_their_length": told["left_out"],
        "mean_log_odds_of_each_side": told["odds"],
        "difference_in_log_odds": float(np.mean(told["gap"])),
        "moved_each_way": told["ways"],
        "told_in_another_order": float(np.mean(told["told_shuffled"])),
        "massive_residuals": told["massive"],
    }


def _holds_for(specification: ProbeSpecification, prompts: PromptSet, told: Mapping[str, Any]) -> HoldsFor:
    return HoldsFor(
        model_digest=specification.model_digest,
        dataset_digest=digest_of_texts(told["texts"]),
        languages=(prompts.language,),
        site=f"residual after layer {told['found']['layer']}, last token",
        slice={"copilot": prompts.copilot, "attribute": prompts.attribute},
        tokenizer_digest=told["tokenizer_digest"],
    )
