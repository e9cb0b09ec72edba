"""Who may see what: the one place where a query is narrowed to the systems of a person or a token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeVar

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db import models
from django.db.models import Q
from rest_framework.request import Request

from evidence.errors import AccessDenied, NotFound
from evidence.models import (
    AccessToken,
    Artefact,
    ArtefactKind,
    ArtefactVersion,
    AuditEvent,
    Evidence,
    EvidenceLink,
    Layer,
    Membership,
    Registration,
    Scope,
    StoredModel,
    System,
)
from evidence.roles import scopes_of

INTERNALS_APP: Final = "interpret"
_INTERNAL_KINDS: Final = (ArtefactKind.SAE, ArtefactKind.DETECTOR, ArtefactKind.PROBE)
# Rows of `evidence` that speak of probes, detectors or what they found: hidden like the internals themselves.
_SPEAKS_OF_INTERNALS: Final[dict[type[models.Model], Q]] = {
    Artefact: Q(kind__in=_INTERNAL_KINDS),
    ArtefactVersion: Q(artefact__kind__in=_INTERNAL_KINDS),
    Registration: Q(version__artefact__kind__in=_INTERNAL_KINDS),
    AuditEvent: Q(object_type__startswith=f"{INTERNALS_APP}."),
    Evidence: Q(layer=Layer.MECHANISTIC),
    EvidenceLink: Q(evidence__layer=Layer.MECHANISTIC),
}

_M = TypeVar("_M", bound=models.Model)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: a person, or a token that a person owns."""

    actor: str  # as audit events name them
    user: User
    token: AccessToken | None
    scopes: frozenset[str]
    system_ids: frozenset[int]

    def may(self, scope: Scope) -> bool:
        """Whether the principal holds a scope."""
        return scope.value in self.scopes

    @property
    def sees_internals(self) -> bool:
        """Whether activations, features, detectors and findings may be shown: the person's own permission.

        A token shows them only if it also holds the `probe` scope.
        """
        permitted = self.user.has_perm("interpret.view_internals")
        return permitted and (self.token is None or self.may(Scope.PROBE))


def principal_of_user(user: AbstractBaseUser | AnonymousUser) -> Principal:
    """Return the principal of a signed-in person.

    Raises:
        AccessDenied: nobody is signed in.
    """
    if not isinstance(user, User) or not user.is_active:
        raise AccessDenied("Sign in, or send a token as `Authorization: Bearer tb_…`.")
    systems = Membership.objects.filter(user=user).values_list("system_id", flat=True)
    return Principal(f"user:{user.get_username()}", user, None, scopes_of(user), frozenset(systems))


def principal_of_token(token: AccessToken) -> Principal:
    """Return the principal of a token whose secret, expiry and revocation were checked."""
    members = AccessToken.systems.through.objects.filter(accesstoken=token)
    systems = frozenset(members.values_list("system_id", flat=True))
    return Principal(f"token:{token.prefix}", token.owner, token, frozenset(token.scopes), systems)


def principal_of(request: Request) -> Principal:
    """Return the principal of an API request, computed once."""
    cached: Principal | None = getattr(request, "_principal", None)
    if cached is None:
        token = request.auth
        cached = (
            principal_of_token(token) if isinstance(token, AccessToken) else principal_of_user(request.user)
        )
        request._principal = cached  # type: ignore[attr-defined]  # noqa: SLF001  # our cache, on the request itself
    return cached


def visible_to(queryset: models.QuerySet[_M], principal: Principal) -> models.QuerySet[_M]:
    """Return the rows that belong to the principal's systems, without what speaks of internals they may not see.

    To them such a list is empty and such a detail is not found: an answer of 403 would already tell.

    Raises:
        AccessDenied: the model belongs to no system and is not for listing.
    """
    model = queryset.model
    path = model.SYSTEM_PATH if issubclass(model, StoredModel) else None
    if path is None:
        raise AccessDenied(f"{model._meta.label} belongs to no system and cannot be listed.")
    narrowed = queryset.filter(_of_systems(path, principal.system_ids))
    if principal.sees_internals:
        return narrowed
    if model._meta.app_label == INTERNALS_APP:
        return narrowed.none()
    hidden = _SPEAKS_OF_INTERNALS.get(model)
    return narrowed if hidden is None else narrowed.exclude(hidden)


def _of_systems(path: str, system_ids: frozenset[int]) -> models.Q:
    """Return the condition that a path leads to one of these systems.

    Through a token, which may have several: by a subquery, because a join would ask for DISTINCT over all rows.
    """
    owner, _, last = path.rpartition("__")
    if last != "systems":
        return models.Q(**{f"{path}__in": system_ids})
    tokens = AccessToken.systems.through.objects.filter(system__in=system_ids).values("accesstoken")
    return models.Q(**{f"{owner}__in" if owner else "pk__in": tokens})


def find_system(principal: Principal, key: str) -> System:
    """Return a system the principal may see.

    Raises:
        NotFound: there is none of that key, or the principal may not know of it.
    """
    system = System.objects.filter(key=key, pk__in=principal.system_ids).first()
    if system is None:
        raise NotFound(f"There is no system {key!r} among yours.")
    return system
