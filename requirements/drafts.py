"""A requirement as an author writes it, before it is stored: frozen values, free of Django.

YAML, API and admin all end here, so that whatever the door, the same rules are applied and the same digest comes out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import orjson

from evidence.digests import digest_of
from evidence.vocabulary import ChoiceEnum, Layer, RiskTier

DEFAULT_BOUND_CONFIDENCE = 0.95  # one-sided, of the bound that is compared with the threshold

_HOW_TO_LOOK: Final = frozenset({"looks", "planned_runs", "settle_hours", "max_missing_share"})


class Comparator(ChoiceEnum):
    """Which side of the threshold is asked for."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"


@dataclass(frozen=True)
class CriterionDraft:
    """A sentence a machine can check."""

    key: str
    check: str  # a name in requirements.checks.known_checks
    parameters: Mapping[str, object]  # complete: defaults are filled in
    comparator: Comparator
    threshold: float  # in `unit`
    unit: str
    min_n: int  # observations, at least 1; fewer is "insufficient"
    max_age_days: int | None  # older evidence is "stale"; None: it does not age
    bound_confidence: float  # one-sided, of the bound compared with the threshold
    slices: tuple[Mapping[str, str], ...]  # each must hold as well as the whole

    def content(self) -> dict[str, object]:
        """Return what the criterion's digest is taken over: everything that can change a verdict."""
        return {
            "key": self.key,
            "check": self.check,
            "parameters": dict(self.parameters),
            "comparator": str(self.comparator),
            "threshold": float(self.threshold),
            "unit": self.unit,
            "min_n": self.min_n,
            "max_age_days": self.max_age_days,
            "confidence": float(self.bound_confidence),
            "slices": [dict(where) for where in self.slices],
        }

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON of `content`, taken once: plan, import and the next one ask for it."""
        return digest_of(self.content())

    @cached_property
    def facts(self) -> bytes:
        """What it measures, the same for any two that do: all but how sure one wants to be, and of what."""
        measured = {name: value for name, value in self.parameters.items() if name not in _HOW_TO_LOOK}
        slices = sorted(sorted(where.items()) for where in self.slices)
        said = [self.check, measured, self.unit, slices]
        try:
            return orjson.dumps(said, option=orjson.OPT_SORT_KEYS, default=str)
        except orjson.JSONEncodeError:  # a number beyond 64 bits, say
            return json.dumps(said, sort_keys=True, default=str).encode()


@dataclass(frozen=True)
class RequirementDraft:
    """What must hold, who answers for it, and how it will be checked."""

    key: str
    statement: Mapping[str, str]  # BCP 47 language -> text
    rationale: str
    risk_tier: RiskTier
    layer: Layer  # never the mechanistic one
    owner: str  # a role or a person
    review_every_days: int
    criteria: tuple[CriterionDraft, ...]
    external_id: str = ""  # the key that another tool gave it; empty: none did

    def content(self) -> dict[str, object]:
        """Return what the version's digest is taken over; what was added later is in it only where it is given."""
        return {
            **({"external_id": self.external_id} if self.external_id else {}),
            "key": self.key,
            "statement": dict(self.statement),
            "rationale": self.rationale,
            "risk_tier": str(self.risk_tier),  # a plain text is written at once
            "layer": str(self.layer),
            "owner": self.owner,
            "review_every_days": self.review_every_days,
            "criteria": [criterion.content() for criterion in self.criteria],
        }

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON of `content`, taken once: plan, import and the next one ask for it."""
        return digest_of(self.content())
