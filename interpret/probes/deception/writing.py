"""The reporting part: turns numbers into a measurement that says what it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from interpret.contracts import (
    ClaimLevel,
    HoldsFor,
    Measurement,
    NullKind,
    ProbeSpecification,
    TestKind,
)
from interpret.probes.deception.prompt_sets import StatementSet
from interpret.probes.directions.writing import (
    WHY_GAIN,
    Both,
    Claim,
    Value,
    Writer,
    value_of,
)
from interpret.probes.estimates import digest_of_texts

WHAT_THE_SEED_CHANGES: Final = "the domains exchanged, so a new direction; another dead model"
CORRECTION: Final = "the one test of this run, on a domain held out from fitting"
Seed: TypeAlias = tuple[Mapping[str, Any], Mapping[str, Any]]  # of the model, of its dead copy


def write_all(
    specification: ProbeSpecification,
    prompts: StatementSet,
    given: Mapping[str, float],
    first: Seed,
    second: Seed,
) -> tuple[Measurement, ...]:
    """Return the measurement; what the direction does in its own domain stands beside it, and is not judged."""
    told = first[0]
    claim = _claim(prompts, given["smallest_gain"], int(told["layer"]))
    writer = Writer(
        specification,
        unit="statements",
        seed_changes=WHAT_THE_SEED_CHANGES,
        correction=CORRECTION,
        fire_counts={},
        details=_details(prompts, told, second[0]),
    )
    return writer.write(
        [claim], {claim.name: Both(_value(first), _value(second))}, _holds_for(specification, prompts, told)
    )


def _value(seed: Seed) -> Value:
    told, dead = seed
    nulls = {
        NullKind.DEAD_MODEL: dead["told"],
        NullKind.SHUFFLED_ORDER: told["shuffled"],
        NullKind.TEXT_ONLY: told["text_only"],
    }
    return value_of(told, told["told"], nulls, p_value=told["p_value"])


def _claim(prompts: StatementSet, gain: float, layer: int) -> Claim:
    fitted, reported = prompts.domains
    return Claim(
        name="told",
        statistic="deception.signs",
        unit="probability",
        level=ClaimLevel.ASSOCIATIONAL,
        kind=TestKind.SEARCH,
        smallest=gain,
        why=WHY_GAIN,
        baseline=(
            "what the text alone tells: its tokens, letters and length, by a direction fitted likewise, the lesser with"
            " the instruction's words and without"
        ),
        supports=(
            f"In {prompts.texts} on {reported}, the model's inner state on the last words (after layer {layer}) goes"
            " with which of two statements is the misleading one and which the truthful: one direction in it, fitted"
            f" on {fitted} under instructions to mislead or to be truthful, is surer of that by more than {gain:g} in"
            " probability, both with other instructions and with their words deleted, than the text alone, than the"
            " same in a dead model, and than in the same tokens in another order."
        ),
        does_not_show=(
            "That the model deceives, or that it is honest: it is no proof of either. The statements were put into its"
            " mouth, what misleads in them is false, so that it may be falsehood and no intent that is read, and"
            " nothing was changed: no answer need depend on it. Nor that it is so of other statements, domains or"
            " instructions, or that a hidden aim would show likewise."
        ),
    )


def _details(prompts: StatementSet, told: Mapping[str, Any], again: Mapping[str, Any]) -> dict[str, Any]:
    rows, swapped = told["rows"], again["rows"]
    return {
        "prompt_set": prompts.name,
        "prompt_set_version": prompts.version,
        "statements_fitted_on": told["fitted"],
        "statements_reported_on": len(told["clusters"]),
        "statements_left_out_for_their_length": told["left_out"],
        "told_in_its_own_domain": rows["within"],
        "told_in_the_other_domain": rows["across"],
        "told_in_the_other_domain_without_the_instruction": rows["across_deleted"],
        "told_by_the_text_with_the_instruction": rows["text"],
        "told_by_the_text_without": rows["text_deleted"],
        "nats_a_token_of_the_endings_misled_and_truthful": told["surprisal"],
        "heat_map": {
            "rows": list(prompts.domains),
            "columns": list(prompts.domains),
            "row": "fitted on",
            "column": "reported on",
            "unit": "probability",
            "values": [[rows["within"], rows["across"]], [swapped["across"], swapped["within"]]],
        },
    }


def _holds_for(specification: ProbeSpecification, prompts: StatementSet, told: Mapping[str, Any]) -> HoldsFor:
    return HoldsFor(
        model_digest=specification.model_digest,
        dataset_digest=digest_of_texts(told["texts"]),
        languages=(prompts.language,),
        site=f"residual after layer {told['layer']}, tokens of the ending",
        slice={"fitted on": prompts.domains[0], "reported on": prompts.domains[1]},
        tokenizer_digest=told["tokenizer_digest"],
    )
