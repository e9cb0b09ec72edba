"""What *covered* means, and what a requirement comes to for a release: the one place. Numbers, lists, pages and exports
all ask here, so that they cannot disagree.

A requirement is covered when at least one criterion of its approved version has a current assessment for the release:
one that observed something, came to met, not met or insufficient, and whose evidence is not older than the criterion
allows. It stands as the first of `Standing` that applies. Verdict and age are two things: what was not met stays so
when it is old.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from evidence.vocabulary import CriterionVerdict, Layer
from requirements import freshness
from requirements.telling import slice_in

# A page judges some ten thousand criteria: what each needs is looked up, and not made again for each.
_VERDICTS: Final[Mapping[str, CriterionVerdict]] = {each.value: each for each in CriterionVerdict}
_INSUFFICIENT: Final = CriterionVerdict.INSUFFICIENT.value
_UNKNOWN: Final = frozenset({"", CriterionVerdict.NOT_ASSESSED.value})


class Standing(StrEnum):
    """What a requirement comes to for a release; the first that applies. Only the last is a pass."""

    NOT_MET = "not_met"  # a criterion is known not to hold
    UNTESTED = "untested"  # a criterion has no assessment, or there is none
    STALE = "stale"  # the evidence of one is too old
    INSUFFICIENT = "insufficient"  # too little is known of one
    SUSPECT = "suspect"  # all hold, and a link of it has to be looked at again
    MET = "met"


@dataclass(frozen=True, slots=True)
class Judged:
    """A criterion with its last assessment for a release."""

    key: str
    check: str
    suite: str  # the key of the suite it reads; empty: none
    artefact_id: int
    max_age_days: int | None
    verdict: str = ""  # empty: it was never assessed
    detail: str = ""
    value: float | None = None  # in `unit`
    unit: str = ""
    n: int = 0  # observations
    low: float | None = None  # one-sided, at `bound_confidence`
    high: float | None = None
    bound_confidence: float | None = None  # one-sided, in (0, 1)
    observed_to: datetime | None = None
    assessed_as_of: datetime | None = None
    counts_reviews: bool = False
    assessment_id: int | None = None  # the row that says so; None: it was never assessed
    threshold: float | None = None  # of the criterion, in `unit`
    came_to: str = ""  # of a stale one, what all that was observed comes to; empty: the verdict itself

    @property
    def is_missing(self) -> bool:
        """Whether nothing was found out about it: it was never assessed, could not be, or there was nothing to see."""
        return self.verdict in _UNKNOWN or (self.verdict == _INSUFFICIENT and not self.n)

    @property
    def decided_by(self) -> str:
        """Return the slice that decided, as "language=en"; empty where the whole did: the numbers are of the whole."""
        return slice_in(self.detail)

    @property
    def told(self) -> str:
        """Return its verdict as people read it."""
        return "untested" if self.is_missing else self.verdict

    @property
    def whatever_its_age(self) -> str:
        """Return what all that was observed comes to: never `stale`, unless nobody worked it out."""
        return self.came_to or self.verdict

    def stale_since(self, now: datetime) -> datetime | None:
        """Return since when its evidence is too old; None: it is not, or does not age."""
        return None if self.is_missing else self._standing(now).stale_since

    def is_stale(self, now: datetime) -> bool:
        """Whether its evidence is too old."""
        return not self.is_missing and self._standing(now).is_stale

    def _standing(self, now: datetime) -> freshness.Recency:
        return freshness.standing_of(
            _VERDICTS[self.verdict],
            whatever_its_age=_VERDICTS[self.whatever_its_age],
            observed_to=self.observed_to,
            max_age_days=self.max_age_days,
            judged_at=self.assessed_as_of or now,
            at=now,
        )

    def ages_after(self, now: datetime) -> datetime | None:
        """Return when its evidence becomes too old; None: it does not, or is already."""
        if self.is_missing or self.observed_to is None or self.max_age_days is None:
            return None
        ends = freshness.too_old_from(self.observed_to, self.max_age_days)
        return ends if ends is not None and ends >= now else None

    def is_current(self, now: datetime) -> bool:
        """Whether something was found out about it that still counts."""
        return not self.is_missing and not self.is_stale(now)


def is_covered(criteria: Sequence[Judged], layer: str, now: datetime) -> bool:
    """Whether a requirement is covered. A mechanistic finding supports or counters, and covers nothing."""
    return layer != Layer.MECHANISTIC and any(each.is_current(now) for each in criteria)


def standing_of(criteria: Sequence[Judged], now: datetime, *, suspect: bool) -> Standing:
    """Return what a requirement comes to from its criteria, and whether a link of it is suspect."""
    verdicts: Collection[str] = {each.whatever_its_age for each in criteria}
    if CriterionVerdict.NOT_MET in verdicts:
        return Standing.NOT_MET
    if not criteria or any(each.is_missing for each in criteria):
        return Standing.UNTESTED
    if any(each.is_stale(now) for each in criteria):
        return Standing.STALE
    if CriterionVerdict.INSUFFICIENT in verdicts:
        return Standing.INSUFFICIENT
    return Standing.SUSPECT if suspect else Standing.MET
