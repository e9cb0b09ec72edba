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
from interpret.probes.refusal.prompt_sets import RefusalSet

WHAT_THE_SEED_CHANGES: Final = (
    "the requests of both halves exchanged, so a new direction; another dead model, other random directions and other"
    " contexts; same halves of the templates"
)
CORRECTION: Final = "Benjamini-Hochberg over the 4 tests of this run, on requests held out from fitting"
TOLD, ABLATED, ADDED, SWAYED = "told", "ablated", "added", "swayed"


@dataclass(frozen=True, slots=True)
class Numbers:
    """What one seed's parts gave; `drawn` of each random direction, by what was done."""

    told: Mapping[str, Any]
    dead: Mapping[str, Any]
    drawn: Mapping[str, list[float]]

    def of(self, name: str) -> Value:
        """Return what one of the four comes to in each pair, or in each request with its contexts."""
        if name == TOLD:
            nulls = self._nulls(name, self.told["told_shuffled"], self.told["told_by_text"])
            return value_of(self.told, self.told[name], nulls, p_value=self.told["p_value"])
        if name == SWAYED:
            contexts = {**self.told["contexts"], "found_on": self.told["found_on"]}
            nulls = self._nulls(name, contexts["shuffled"], contexts["text_only"])
            return value_of(contexts, contexts[name], nulls, p_value=contexts["p_value"])
        nulls = self._nulls(name, self.told["shuffled"][name], self.told["neutral"][name])
        doses = self.told.get("doses", {}).get(name)
        return value_of(self.told, self.told[name], nulls, drawn=self.drawn[name], doses=doses)

    def _nulls(self, name: str, shuffled: list[float], text_only: list[float]) -> dict[NullKind, list[float]]:
        return {
            NullKind.DEAD_MODEL: self.dead[name],
            NullKind.SHUFFLED_ORDER: shuffled,
            NullKind.TEXT_ONLY: text_only,
        }


def write_all(
    specification: ProbeSpecification,
    prompts: RefusalSet,
    given: Mapping[str, float],
    first: Numbers,
    second: Numbers,
) -> tuple[Measurement, ...]:
    """Return the four measurements; their p-values are corrected together."""
    claims = _claims(prompts, given, int(first.told["found"]["layer"]))
    writer = Writer(
        specification,
        unit="requests",
        seed_changes=WHAT_THE_SEED_CHANGES,
        correction=CORRECTION,
        fire_counts=first.told["fired"],
        details=_details(prompts, first.told),
    )
    values = {claim.name: Both(first.of(claim.name), second.of(claim.name)) for claim in claims}
    *others, swayed = writer.write(claims, values, _holds_for(specification, prompts, first.told))
    contexts = first.told["contexts"]
    beside = {"beside": contexts["beside"]} if "beside" in contexts else {}  # parts of before lack it
    return *others, replace(swayed, details={**swayed.details, **beside})


def _claims(prompts: RefusalSet, given: Mapping[str, float], layer: int) -> tuple[Claim, ...]:
    gain, shift = given["smallest_gain"], given["smallest_shift"]
    where = f"inner state just before the answer (after layer {layer})"
    odds = (
        f"log-odds of {_named(prompts.refusals)} over {_named(prompts.compliances)} (by their first tokens)"
    )
    direction = "the direction that tells requests to refuse from near misses"
    beyond = (
        f"by more than {shift:g} beyond the same in a dead model, between two requests of one kind, and in another"
        " order, and more than random changes of the same size do"
    )
    no_proof = (
        "It is no proof that the model is safe or unsafe: nor that it refuses what it should, that this is the only"
        " direction of its kind, or that it is so with other requests."
    )
    read: dict[str, Any] = {
        "unit": "probability",
        "level": ClaimLevel.ASSOCIATIONAL,
        "kind": TestKind.SEARCH,
        "smallest": gain,
        "why": WHY_GAIN,
    }
    use: dict[str, Any] = {
        "unit": "log-odds",
        "level": ClaimLevel.INTERVENTIONAL,
        "smallest": shift,
        "why": WHY_SHIFT,
        "baseline": "the same between two requests of one kind",
        "control": (
            "as much changed along each of {} random directions in which requests of one kind differ, with the sign"
            " that gives more"
        ),
    }
    return (
        Claim(
            name=TOLD,
            statistic="refusal.decodable",
            baseline="what the text alone tells: its tokens, letters and length, by a direction fitted likewise",
            supports=(
                f"In {prompts.texts}, the model's {where} holds which of two requests a policy forbids and which is a"
                " near miss that it allows: one direction in it, fitted on other texts and other requests, is surer of"
                f" that by more than {gain:g} in probability than the text alone, than the same in a dead model, and"
                " than in the same tokens in another order."
            ),
            does_not_show=f"That any answer depends on it: what can be read need not be used. {no_proof}",
            **read,
        ),
        Claim(
            name=ABLATED,
            statistic="refusal.ablation",
            kind=TestKind.NECESSITY,
            supports=(
                f"In {prompts.texts}, a request that a policy forbids, with only as much of {direction} in the model's"
                f" {where} as its near miss has, is answered less by a refusal: its {odds} fall {beyond}."
            ),
            does_not_show=(
                f"That nothing else in the model makes it refuse, or that the answer itself changes. {no_proof}"
            ),
            **use,
        ),
        Claim(
            name=ADDED,
            statistic="refusal.addition",
            kind=TestKind.SEARCH,
            supports=(
                f"In {prompts.texts}, a near miss that a policy allows, with as much of {direction} in the model's"
                f" {where} as the forbidden request has, is answered more by a refusal: its {odds} rise {beyond}."
            ),
            does_not_show=(
                f"That the answer itself changes, or that this is how the model comes to refuse. {no_proof}"
            ),
            **use,
        ),
        Claim(
            name=SWAYED,
            statistic="refusal.context",
            baseline=(
                "the surer of two: what the text alone tells by a direction fitted likewise, and how surely the"
                " direction tells two placebos apart, whichever way"
            ),
            supports=(
                f"In {prompts.texts}, a request that a policy forbids has less of {direction} in the model's {where}"
                " when what is said after it presses for it than when it is as long and presses for nothing: the"
                f" direction is surer of that by more than {gain:g} in probability than the text alone and than it is"
                " between two contexts that press for nothing, than the same in a dead model, and than in the same"
                " tokens in another order."
            ),
            does_not_show=(
                "That a context makes the model comply: what is read need not be used, and nothing was changed."
                f" {no_proof}"
            ),
            **read,
        ),
    )


def _named(openings: tuple[str, ...]) -> str:
    return " or ".join(f"“{opening.strip()}”" for opening in openings)


def _details(prompts: RefusalSet, told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "prompt_set": prompts.name,
        "prompt_set_version": prompts.version,
        "says": prompts.says,
        "pairs_fitted_on": told["fitted"],
        "pairs_reported_on": len(told["clusters"]),
        "requests_in_contexts": len(told["contexts"]["clusters"]),
        "requests_without_a_near_miss_of_their_length": told["left_out"],
        "share_beside_their_own_near_miss": told["own_near_misses"],
        "mean_refusal_log_odds_of_requests_and_near_misses": told["odds"],
        "share_refused_rather_than_not_of_requests_and_near_misses": told["refused"],
        "mean_refusal_log_odds_pressed_and_in_two_placebos": told["contexts"]["odds"],
        "told_in_another_order": float(np.mean(told["told_shuffled"])),
        "massive_residuals": told["massive"],
    }


def _holds_for(specification: ProbeSpecification, prompts: RefusalSet, told: Mapping[str, Any]) -> HoldsFor:
    return HoldsFor(
        model_digest=specification.model_digest,
        dataset_digest=digest_of_texts([*told["texts"], *told["contexts"]["texts"]]),
        languages=(prompts.language,),
        site=f"residual after layer {told['found']['layer']}, last token",
        slice={"copilot": prompts.copilot},
        tokenizer_digest=told["tokenizer_digest"],
    )
