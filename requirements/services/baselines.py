"""Baselines: named sets of requirement versions, frozen when they are made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from django.db import transaction

from evidence.access import Principal
from evidence.digests import digest_of
from evidence.errors import InvalidInput
from evidence.models import System
from evidence.services import audit
from evidence.worded import worded
from requirements import acts
from requirements.errors import BaselineMoved, ConflictingBaseline, RequirementNotFound
from requirements.models import Baseline, BaselineMember, BaselineSignOff, RequirementVersion
from requirements.selectors.baselines import difference_from

_MOST_NAMED: Final = 5  # versions in a sentence


@transaction.atomic
def freeze_baseline(
    *, principal: Principal, system: System, name: str, versions: Sequence[RequirementVersion]
) -> Baseline:
    """Freeze a set of versions under a name; the same set again returns the first row.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_import_requirements` does.
        ConflictingBaseline: the name is taken by another set.
        RequirementNotFound: there are no versions, or one belongs to another system.
        InvalidInput: a requirement is in it twice.
    """
    acts.check_can_import_requirements(principal, system)
    if not versions or any(version.requirement.system_id != system.pk for version in versions):
        raise RequirementNotFound(
            worded(
                "A baseline holds at least one requirement, all of system %(system_key)s.",
                system_key=repr(system.key),
            )
        )
    _check_once(versions)
    digest = digest_of(sorted(version.artefact_version.digest for version in versions))
    baseline, created = Baseline.objects.get_or_create(
        system=system, name=name, defaults={"digest": digest, "created_by": principal.actor}
    )
    if not created:
        if baseline.digest != digest:
            raise ConflictingBaseline(
                worded(
                    "Baseline %(name)s is frozen with other requirement versions: %(difference)s. Give the "
                    "changed set a new name.",
                    name=repr(name),
                    difference=difference_from(baseline, versions),
                )
            )
        return baseline
    BaselineMember.objects.bulk_create(
        BaselineMember(baseline=baseline, version=version) for version in versions
    )
    audit.record(verb="baseline.frozen", actor=principal.actor, obj=baseline, system=system, digest=digest)
    return baseline


def _check_once(versions: Sequence[RequirementVersion]) -> None:
    counted = Counter(version.requirement_id for version in versions)
    twice = sorted({str(each) for each in versions if counted[each.requirement_id] > 1})
    if twice:
        shown = ", ".join(twice[:_MOST_NAMED]) + (", …" if len(twice) > _MOST_NAMED else "")
        raise InvalidInput(
            worded(
                "A baseline holds one version of a requirement, and each once, not %(shown)s.", shown=shown
            )
        )


@transaction.atomic
def sign_off_baseline(
    *, principal: Principal, baseline: Baseline, digest: str, reason: str = ""
) -> BaselineSignOff:
    """Agree to a baseline, as a second person; again, it answers the same.

    Args:
        digest: of the baseline that was read.

    Raises:
        AccessDenied, NotFound, SelfSignOff: as `acts.check_can_sign_off_baseline` does.
        BaselineMoved: the baseline has another digest.
    """
    acts.check_can_sign_off_baseline(principal, baseline)
    if digest != baseline.digest:
        raise BaselineMoved(
            worded(
                "%(baseline)s has the digest %(digest)s: read it, and sign that one off.",
                baseline=baseline,
                digest=baseline.digest,
            )
        )
    sign_off, created = BaselineSignOff.objects.get_or_create(
        baseline=baseline, signed_by=principal.actor, defaults={"digest": digest, "reason": reason}
    )
    if created:
        audit.record(
            verb="baseline.signed_off", actor=principal.actor, obj=sign_off, system=baseline.system, digest=digest,
            payload={"reason": reason} if reason else None,
        )  # fmt: skip
    return sign_off
