"""What a person sees in the admin: the rows of their systems, and internals only with the permission for them."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from evidence.access import Principal, principal_of_user, scoped
from evidence.models import (
    Artefact,
    ArtefactKind,
    ArtefactVersion,
    AuditEvent,
    Evidence,
    EvidenceLink,
    Layer,
    Registration,
)

INTERNALS_APP: Final = "interpret"
INTERNALS_PERMISSION: Final = "interpret.view_internals"

_INTERNAL_KINDS: Final = (ArtefactKind.SAE, ArtefactKind.DETECTOR, ArtefactKind.PROBE)
# Rows of `evidence` that speak of probes, detectors or what they found: hidden like the internals themselves.
_SPEAKS_OF_INTERNALS: Final[dict[type[Model], Q]] = {
    Artefact: Q(kind__in=_INTERNAL_KINDS),
    ArtefactVersion: Q(artefact__kind__in=_INTERNAL_KINDS),
    Registration: Q(version__artefact__kind__in=_INTERNAL_KINDS),
    AuditEvent: Q(object_type__startswith=f"{INTERNALS_APP}."),
    Evidence: Q(layer=Layer.MECHANISTIC),
    EvidenceLink: Q(evidence__layer=Layer.MECHANISTIC),
}


def principal_of(request: HttpRequest) -> Principal:
    """Return who is looking, computed once for a request."""
    cached: Principal | None = getattr(request, "_admin_principal", None)
    if cached is None:
        cached = principal_of_user(request.user)
        request._admin_principal = cached  # type: ignore[attr-defined]  # noqa: SLF001  # our cache, on the request itself
    return cached


def visible(queryset: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
    """Return the rows this person may see in the admin. Every list, detail, choice and search goes through here.

    Raises:
        AccessDenied: the model belongs to no system; its admin says itself what may be seen of it.
    """
    principal = principal_of(request)
    return without_internals(scoped(queryset, principal), principal)


def rows_of(model: type[Model]) -> QuerySet[Any]:
    """Return all rows of a model, to be narrowed."""
    return model._default_manager.all()  # public in Django's documentation, by that name


def without_internals(queryset: QuerySet[Any], principal: Principal) -> QuerySet[Any]:
    """Leave out what speaks of internals, unless the principal may see those."""
    if principal.sees_internals:
        return queryset
    if queryset.model._meta.app_label == INTERNALS_APP:
        return queryset.none()
    hidden = _SPEAKS_OF_INTERNALS.get(queryset.model)
    return queryset if hidden is None else queryset.exclude(hidden)


def reaches_internals(model: type[Model], lookup: str) -> bool:
    """Whether a filter in an address walks over a relation into the internals."""
    for part in lookup.split("__"):
        field = next(
            (each for each in model._meta.get_fields() if part in {each.name, getattr(each, "attname", "")}),
            None,
        )
        related = getattr(field, "related_model", None)
        if not isinstance(related, type) or not issubclass(related, Model):
            return False
        if related._meta.app_label == INTERNALS_APP:
            return True
        model = related
    return False
