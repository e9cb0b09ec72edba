"""The parameters of checks, as JSON Schema: how they are put together, and those that several checks take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final, cast

from evidence.statistics.looks import LookPlan
from evidence.vocabulary import RiskTier
from requirements.bounds import hours_of

TRACE_DIMENSIONS: Final = ("language", "risk_tier", "environment")


def parameter_schema(**properties: dict[str, object]) -> dict[str, object]:
    """Return the schema of an object with these parameters and no others.

    A parameter is required unless it has a default or may be left out (`optional`).
    """
    required = [
        name
        for name, schema in properties.items()
        if "default" not in schema and not schema.get("x-optional")
    ]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def risk_tiers(*default: RiskTier) -> dict[str, object]:
    """Return the parameter that says advice of which risk tiers counts."""
    return {
        "type": "array",
        "items": {"enum": [tier.value for tier in RiskTier]},
        "minItems": 1,
        "uniqueItems": True,
        "description": "risk tiers of the advice that count",
        "default": [tier.value for tier in default],
    }


def some_of(*options: str, meaning: str) -> dict[str, object]:
    """Return a parameter that lists some of these options; all of them where nothing is said."""
    return {
        "type": "array",
        "items": {"enum": list(options)},
        "minItems": 1,
        "uniqueItems": True,
        "default": list(options),
        "description": meaning,
    }


def names(default: Sequence[str], *, meaning: str) -> dict[str, object]:
    """Return a parameter that lists names, each once. Where the default names some, the list may not be empty."""
    at_least_one: dict[str, object] = {"minItems": 1} if default else {}
    return {
        "type": "array",
        "items": {"type": "string", "minLength": 1},
        **at_least_one,
        "uniqueItems": True,
        "default": list(default),
        "description": meaning,
    }


def share(default: float, *, meaning: str) -> dict[str, object]:
    """Return a parameter in [0, 1]."""
    return {"type": "number", "minimum": 0, "maximum": 1, "default": default, "description": meaning}


def version_reference(meaning: str) -> dict[str, object]:
    """Return a parameter that names an artefact by its key, or one version of it by label or digest."""
    return {
        "type": "object",
        "properties": {
            "key": {"type": "string"},
            "label": {"type": "string"},
            "digest": {"type": "string", "pattern": "^(sha256:)?[0-9a-f]{64}$"},
        },
        "required": ["key"],
        "additionalProperties": False,
        "description": meaning,
    }


def optional(schema: dict[str, object]) -> dict[str, object]:
    """Return the parameter as one that may be left out and then has no value."""
    return {**schema, "x-optional": True}


MOST_RUNS: Final = 20  # that may share what a wrong pass may cost

# One run where nothing is said: left out of stored criteria, whose digests stay.
PLANNED_RUNS: Final = optional(
    {
        "type": "integer",
        "minimum": 1,
        "maximum": MOST_RUNS,
        "description": "how many runs on the same pinned versions may decide, those so far with them; 1 unless stated. "
        "They share 1 - `confidence` in equal parts, and a run beyond them is insufficient",
    }
)

_SETTLES: Final = 24  # hours, unless stated
# What every check of production traces takes. Both are left out of stored criteria, whose digests stay.
LOOKS: Final = {
    "looks": optional(
        {
            "enum": ["continuous"],
            "description": "how often a gate may be asked while traces arrive: as often as one likes, stated or not. "
            "The bounds hold at all looks together, and count all traces of the release",
        }
    ),
    "settle_hours": optional(
        {
            "type": "number",
            "minimum": 0.1,
            "maximum": 8_760,  # a year
            "description": "hours after which a unit that may still grow counts (a conversation, from its first "
            "trace; of reviews, from the first one), and what comes later is another unit; "
            f"{_SETTLES} unless stated",
        }
    ),
}


def settling_time(parameters: Mapping[str, object]) -> timedelta:
    """Return after how long a unit that may still grow counts."""
    return hours_of(cast("float", parameters.get("settle_hours", _SETTLES)))


def look_plan(parameters: Mapping[str, object], bound_confidence: float) -> LookPlan:
    """Return how many runs were planned, and what they share."""
    planned = int(cast("float", parameters.get("planned_runs", 1)))  # 3.0 is an integer of JSON Schema
    return LookPlan(min(max(planned, 1), MOST_RUNS), 1 - bound_confidence)


ALL_TIERS: Final = risk_tiers(*RiskTier)
HIGH_TIER: Final = risk_tiers(RiskTier.HIGH)
