"""Which models a system has: what may be probed beside a release's, and what a dictionary may be of."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from evidence.models import ArtefactKind, ArtefactVersion, DigestBasis, System


def models_of(system: System) -> QuerySet[ArtefactVersion]:
    """Return the versions of models that somebody vouched for in a system or a release of it pins, by their bytes."""
    return ArtefactVersion.objects.filter(
        Q(registration__isnull=False) | Q(release_pins__isnull=False),
        artefact__system=system,
        artefact__kind=ArtefactKind.MODEL,
        digest_basis=DigestBasis.CONTENT,
    ).distinct()
