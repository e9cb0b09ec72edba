"""Fingerprints: what has to differ between two versions before a link that was reviewed at one is suspect at the other.

Of a requirement it is a digest over the attributes that count (`settings.COUNTED_ATTRIBUTES`); of anything else, the
digest of the version. Each review of a link says which attributes counted, so that the list is on record.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet

from evidence.any_of import any_of_keys
from evidence.nearest import hint_at, nearest_name
from requirements.fingerprints import ATTRIBUTES, COUNTED, fingerprint
from requirements.models import Change, RequirementState, RequirementTransition, RequirementVersion
from requirements.selectors.wording import drafts_by_version


def counted_attributes() -> str:
    """Return the attributes that count now, sorted, as reviews of links have them.

    Raises:
        ImproperlyConfigured: the setting names one that nobody knows, or none.
    """
    for name in settings.COUNTED_ATTRIBUTES:
        if name not in ATTRIBUTES:
            hint = hint_at(nearest_name(name, tuple(ATTRIBUTES)))
            raise ImproperlyConfigured(f"TRACEBINDER_COUNTED_ATTRIBUTES: no attribute {name!r}; {hint}")
    if not settings.COUNTED_ATTRIBUTES:
        raise ImproperlyConfigured(
            "TRACEBINDER_COUNTED_ATTRIBUTES names nothing: then nothing would be a change."
        )
    return ",".join(sorted(set(settings.COUNTED_ATTRIBUTES)))


def fingerprints_of(artefact_versions: Collection[int]) -> dict[int, str]:
    """Return the fingerprint in force of each of these artefact versions that is of a requirement, by its key.

    That of a version whose change a second person confirmed as editorial is its predecessor's. A fixed number of
    queries. What is of something else is not in the answer: its digest is its fingerprint.
    """
    versions = _stored(
        RequirementVersion.objects.filter(any_of_keys("artefact_version_id", artefact_versions))
    )
    speaking = _speaking_for(versions)
    counted = frozenset(counted_attributes().split(","))
    told = {version.pk: version.fingerprint for version in speaking.values()} if counted == COUNTED else {}
    if unknown := {each.pk for each in speaking.values() if not told.get(each.pk)}:
        drafts = drafts_by_version(
            RequirementVersion.objects.filter(pk__in=unknown).select_related("requirement")
        )
        told |= {pk: fingerprint(draft, counted) for pk, draft in drafts.items()}
    return {version.artefact_version_id: told[speaking[version.pk].pk] for version in versions}


class _Version(NamedTuple):
    """What of a stored version tells its fingerprint."""

    pk: int
    artefact_version_id: int
    requirement_id: int
    fingerprint: str  # empty: it is from before there were any


def _stored(versions: QuerySet[RequirementVersion]) -> list[_Version]:
    rows = versions.values_list("pk", "artefact_version_id", "requirement_id", "fingerprint")
    return [_Version(*row) for row in rows]


def _speaking_for(versions: Sequence[_Version]) -> Mapping[int, _Version]:
    """Return, by the key of each version, the one whose words it says: itself, or one that it differs from in slips."""
    speaking = {version.pk: version for version in versions}
    editorial = set(
        RequirementTransition.objects.filter(
            any_of_keys("version__requirement_id", {version.requirement_id for version in versions}),
            to_state=RequirementState.APPROVED,
            change=Change.EDITORIAL,
        ).values_list("version_id", flat=True)
    )
    if not editorial:
        return speaking
    touched = {version.requirement_id for version in versions if version.pk in editorial}
    said: dict[int, _Version] = {}
    before: _Version | None = None
    siblings = RequirementVersion.objects.filter(requirement__in=touched)
    for each in _stored(siblings.order_by("requirement_id", "number")):
        same = before is not None and before.requirement_id == each.requirement_id and each.pk in editorial
        said[each.pk] = said[before.pk] if same and before is not None else each
        before = each
    return {pk: said.get(pk, version) for pk, version in speaking.items()}
