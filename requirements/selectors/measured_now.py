"""What the criteria of a version measure on what is live and on the newest release, as assessments on record say.

A fixed number of statements, however many criteria, releases or assessments there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from evidence import clock
from evidence.access import Principal, visible_to
from evidence.models import Release
from evidence.vocabulary import CriterionVerdict
from requirements.freshness import Recency
from requirements.models import AcceptanceCriterion, Assessment, RequirementVersion
from requirements.selectors.live_releases import live_releases
from requirements.selectors.standings import standing

MOST_RELEASES: Final = (
    5  # that are live in one environment or another, newest deployment first; and the newest
)


@dataclass(frozen=True, slots=True)
class MeasuredRelease:
    """A release, and where it is live."""

    release: Release
    environments: tuple[str, ...]  # empty: it is live nowhere


@dataclass(frozen=True, slots=True)
class CriterionNow:
    """What a criterion measures on a release."""

    criterion: AcceptanceCriterion
    on: MeasuredRelease
    assessment: Assessment | None  # None: it was not measured there, or it is kept from the reader
    standing: Recency | None  # what the assessment comes to by now
    is_kept: bool = False  # from a reviewer whom it could lead: it was measured there

    @property
    def is_of_other_version(self) -> bool:
        """Whether it was measured for another version of the requirement, which has this criterion word for word."""
        return self.assessment is not None and self.assessment.criterion_id != self.criterion.pk


@dataclass(frozen=True, slots=True)
class MeasuredNow:
    """Each criterion of a version on each release there is to look at, in the order of the criteria."""

    rows: tuple[CriterionNow, ...]
    at: datetime
    n_left_out: int  # live releases that are not shown


def measured_now(version: RequirementVersion, principal: Principal) -> MeasuredNow:
    """Return what the criteria of a version measure now, of what the reader may see.

    An assessment counts whatever version it was made for, if that has the criterion word for word: then both have one
    identity. A criterion that was changed starts anew, and what its predecessor measured is not said of it.
    """
    now = clock.now()
    releases, n_left_out = _releases(version, principal, now)
    criteria = list(version.criteria.order_by("pk"))
    of_pair: dict[tuple[int, int], Assessment] = {}
    kept = frozenset[tuple[int, int]]()
    if criteria and releases:
        newest = (
            visible_to(Assessment.objects.all(), principal)
            .filter(
                criterion__artefact_version__in=[each.artefact_version_id for each in criteria],
                release__in=[each.release.pk for each in releases],
            )
            .order_by("criterion__artefact_version_id", "release_id", "-as_of", "-pk")
            .distinct("criterion__artefact_version_id", "release_id")
            .select_related("criterion")
            .defer("inputs", "slices")
        )
        of_pair = {(each.criterion.artefact_version_id, each.release_id): each for each in newest}
        _read_inputs_of_stale(of_pair.values())
        kept = _kept_from(principal, criteria, releases)
    rows = []
    for criterion in criteria:
        for on in releases:
            pair = criterion.artefact_version_id, on.release.pk
            found = of_pair.get(pair)
            told = standing(found, now) if found else None
            rows.append(CriterionNow(criterion, on, found, told, is_kept=found is None and pair in kept))
    return MeasuredNow(tuple(rows), now, n_left_out)


def _kept_from(
    principal: Principal, criteria: Sequence[AcceptanceCriterion], releases: Sequence[MeasuredRelease]
) -> frozenset[tuple[int, int]]:
    """Return of which criteria, on which releases, an assessment counts reviews that could lead this reviewer.

    That there is one, they may know: that it was not measured would be untrue.
    """
    if not principal.is_reviewer:
        return frozenset()
    counting = Assessment.objects.filter(
        criterion__artefact_version__in=[each.artefact_version_id for each in criteria],
        release__in=[each.release.pk for each in releases],
        counts_reviews=True,
    )
    return frozenset(counting.values_list("criterion__artefact_version_id", "release_id").distinct())


def _read_inputs_of_stale(assessments: Iterable[Assessment]) -> None:
    """Read at once what tells of stale verdicts whether they are met but for their age; others do without."""
    stale = {each.pk: each for each in assessments if each.verdict == CriterionVerdict.STALE}
    if stale:
        for pk, inputs in Assessment.objects.filter(pk__in=stale).values_list("pk", "inputs"):
            stale[pk].inputs = inputs


def _releases(
    version: RequirementVersion, principal: Principal, now: datetime
) -> tuple[list[MeasuredRelease], int]:
    """Return what is live, the newest deployment first, and after it the newest release where it is live nowhere."""
    system = version.requirement.system_id
    where = live_releases(system, principal, now)
    newest = visible_to(Release.objects.filter(system=system), principal).order_by("-pk").first()
    shown = list(where)[:MOST_RELEASES]
    if newest is not None and newest not in shown:
        shown.append(newest)
    left_out = len(where) - sum(each in where for each in shown)
    return [MeasuredRelease(each, where.get(each, ())) for each in shown], left_out
