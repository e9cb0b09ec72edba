"""Fingerprints: what has to differ between two versions before a link that was reviewed at one is suspect at the other.

Of a requirement it is a digest over the attributes that count (`settings.COUNTED_ATTRIBUTES`); of anything else, the
digest of the version. Each review of a link says which attributes counted, so that the list is on record.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

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
    versions = list(
        RequirementVersion.objects.filter(artefact_version__in=artefact_versions).select_related(
            "requirement"
        )
    )
    speaking = _speaking_for(versions)
    counted = frozenset(counted_attributes().split(","))
    told = {version.pk: version.fingerprint for version in speaking.values()} if counted == COUNTED else {}
    unknown = {each.pk: each for each in speaking.values() if not told.get(each.pk)}
    drafts = drafts_by_version(list(unknown.values()))
    told |= {pk: fingerprint(draft, counted) for pk, draft in drafts.items()}
    return {version.artefact_version_id: told[speaking[version.pk].pk] for version in versions}


def _speaking_for(versions: Sequence[RequirementVersion]) -> Mapping[int, RequirementVersion]:
    """Return, by the key of each version, the one whose words it says: itself, or one that it differs from in slips."""
    speaking = {version.pk: version for version in versions}
    editorial = set(
        RequirementTransition.objects.filter(
            version__requirement__in={version.requirement_id for version in versions},
            to_state=RequirementState.APPROVED,
            change=Change.EDITORIAL,
        ).values_list("version_id", flat=True)
    )
    if not editorial:
        return speaking
    touched = {version.requirement_id for version in versions if version.pk in editorial}
    said: dict[int, RequirementVersion] = {}
    before: RequirementVersion | None = None
    siblings = RequirementVersion.objects.filter(requirement__in=touched).select_related("requirement")
    for each in siblings.order_by("requirement_id", "number"):
        same = before is not None and before.requirement_id == each.requirement_id and each.pk in editorial
        said[each.pk] = said[before.pk] if same and before is not None else each
        before = each
    return {pk: said.get(pk, version) for pk, version in speaking.items()}
