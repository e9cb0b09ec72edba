"""Fingerprints: what has to differ between two versions before a link that was reviewed at one is suspect at the other.

Of a requirement it is a digest over the attributes that count (`settings.COUNTED_ATTRIBUTES`); of anything else, the
digest of the version. Each review of a link says which attributes counted, so that the list is on record.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from evidence.digests import digest_of
from evidence.nearest import hint_at, nearest_name
from requirements.models import AcceptanceCriterion, RequirementVersion

# How each attribute that may count is read from a version; its criteria come beside it, by key.
_READ: Final[Mapping[str, Callable[[RequirementVersion, Mapping[str, str]], object]]] = {
    "statement": lambda version, _: {
        language: " ".join(str(text).split()) for language, text in version.statement.items()
    },
    "risk_tier": lambda version, _: version.risk_tier,
    "layer": lambda version, _: version.layer,
    "criteria": lambda _, criteria: dict(criteria),
    "rationale": lambda version, _: " ".join(version.rationale.split()),
    "owner": lambda version, _: version.owner,
    "review_every_days": lambda version, _: version.review_every_days,
}
KNOWN_ATTRIBUTES: Final = tuple(_READ)


def counted_attributes() -> str:
    """Return the attributes that count now, sorted, as reviews of links have them.

    Raises:
        ImproperlyConfigured: the setting names one that nobody knows, or none.
    """
    for name in settings.COUNTED_ATTRIBUTES:
        if name not in _READ:
            hint = hint_at(nearest_name(name, KNOWN_ATTRIBUTES))
            raise ImproperlyConfigured(f"TRACEBINDER_COUNTED_ATTRIBUTES: no attribute {name!r}; {hint}")
    if not settings.COUNTED_ATTRIBUTES:
        raise ImproperlyConfigured(
            "TRACEBINDER_COUNTED_ATTRIBUTES names nothing: then nothing would be a change."
        )
    return ",".join(sorted(set(settings.COUNTED_ATTRIBUTES)))


def fingerprints_of(artefact_versions: Collection[int]) -> dict[int, str]:
    """Return the fingerprint of each of these artefact versions that is of a requirement, by its key: two queries.

    What is of something else is not in the answer: its digest is its fingerprint.
    """
    versions = RequirementVersion.objects.filter(artefact_version__in=artefact_versions).only(
        "artefact_version_id", "statement", "risk_tier", "layer", "rationale", "owner", "review_every_days"
    )
    criteria: dict[int, dict[str, str]] = defaultdict(dict)
    listed: Any = AcceptanceCriterion.objects.filter(version__artefact_version__in=artefact_versions)
    for version_id, key, digest in listed.values_list("version_id", "key", "artefact_version__digest"):
        criteria[version_id][key] = digest
    names = counted_attributes().split(",")
    return {
        version.artefact_version_id: digest_of(
            {name: _READ[name](version, criteria[version.pk]) for name in names}
        )
        for version in versions
    }
