"""What a mechanistic evidence item says of its finding: words and numbers for people who may not see internals.

It is written when a finding is put forward, stored as `Evidence.summary`, and read by the binder.
"""

from __future__ import annotations

from typing import Final, TypedDict


class ComparisonSummary(TypedDict):
    """The same statistic for a baseline, a null or a control: what that is, and the interval over `n` units."""

    what: str
    value: float
    low: float
    high: float
    n: int


class FindingSummary(TypedDict):
    """What was found and how far it holds. No layer, head, feature or item may ever be named here."""

    statistic: str
    unit: str
    value: float
    low: float
    high: float
    confidence: float  # of the interval, in (0, 1)
    n: int  # independent units
    baseline: ComparisonSummary
    null: ComparisonSummary
    control: ComparisonSummary | None  # where the probe intervenes
    status: str
    claim: str  # how strong a claim the design allows
    does_not_show: str
    languages: list[str]
    model_digest: str
    probe_version: str


SUMMARY_FIELDS: Final = frozenset(FindingSummary.__annotations__)
