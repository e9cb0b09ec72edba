"""A requirement's file in a binder, as its JSON is; `evidence/binder/schemas/requirement.json` says the same."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from evidence.binder.files import RequirementStatus


class Missing(TypedDict):
    """How many of the `n` beside it were not observed."""

    missing: NotRequired[int]  # traces that were set aside; left out where there are none


class Judged(Missing):
    """What was found of a criterion, as of the binder. The last ones are there once it was ever assessed."""

    verdict: str
    reason: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    assessedAsOf: NotRequired[str]
    observedFrom: NotRequired[str | None]
    observedTo: NotRequired[str | None]
    sliceResults: NotRequired[object]
    inputs: NotRequired[object]
    inputsDigest: NotRequired[str]
    codeVersion: NotRequired[str]


class CriterionDocument(Judged):
    """What a criterion asks, where the binder holds what it counted, and what was found."""

    key: str
    digest: str
    check: str
    parameters: object
    comparator: str
    threshold: float
    unit: str
    minN: int
    maxAgeDays: int | None
    confidence: float
    slices: object
    evidence: list[str]  # paths in the binder


class WaiverDocument(TypedDict):
    """A waiver of one criterion; `inForce` at the binder's `as_of`."""

    criterion: str
    reason: str
    requestedBy: str
    approvedBy: str
    grantedAt: str
    expiresAt: str
    inForce: bool


class RequirementDocument(TypedDict):
    """A requirement version with its criteria; `status` follows from them and from the waivers in force."""

    key: str
    version: int
    digest: str
    state: str
    statement: object
    rationale: str
    riskTier: str
    layer: str
    owner: str
    reviewEveryDays: int
    proposedBy: str
    approvedBy: str | None
    asOf: str
    criteria: list[CriterionDocument]
    waivers: list[WaiverDocument]
    status: RequirementStatus
