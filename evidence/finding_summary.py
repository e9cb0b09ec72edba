"""What a mechanistic evidence item says of its finding to people who may not see internals.

Words and numbers, written when a finding is put forward, stored as `Evidence.summary`, and read by the binder; and
plain words without numbers, which anybody may read who may read the release.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
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


@dataclass(frozen=True, slots=True)
class PlainSummary:
    """What all findings of one kind say of a release, in plain words of the reader's language, without a number."""

    role: str  # supporting or counter
    says: str
    tested: str  # how
    does_not_show: str
    findings: int
    newest: date  # day of the newest
    standing: int = 0  # doubts that these opened and nobody has laid to rest


@dataclass(frozen=True, slots=True)
class FindingBeside:
    """A finding beside an answer of a release that it holds for. Only for who may see internals."""

    title: str
    status: str
    rung: str
    supports: str
    does_not_show: str  # as a page shows it: in the reader's language, and as it is stored
    address: str
