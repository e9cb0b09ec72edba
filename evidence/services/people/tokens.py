"""Tokens: issued for machines, or made by a reviewer for themselves; shown once, stored as a digest."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction

from evidence import acts, clock
from evidence.access import Principal
from evidence.actors import actor_of_user
from evidence.digests import sha256_hex
from evidence.errors import ConflictingContent, InvalidInput
from evidence.limits import check_count
from evidence.locks import Lock, hold
from evidence.models import AccessToken, Scope, System
from evidence.selectors.tokens import own_of
from evidence.services import audit
from evidence.texts import check_texts
from evidence.worded import worded

OF_REVIEWS: Final = (
    Scope.READ,
    Scope.REVIEW,
)  # what a token that a reviewer makes for themselves may, and no more


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token and its text, which is not stored and cannot be shown again."""

    token: AccessToken
    text: str


@dataclass(frozen=True, slots=True)
class _New:
    """What a new token is to be."""

    name: str
    owner: User
    scopes: Sequence[Scope]
    systems: Sequence[System]
    expires_at: datetime
    is_own: bool = False


@transaction.atomic
def issue_token(
    *,
    principal: Principal,
    name: str,
    owner: User,
    scopes: Sequence[Scope],
    systems: Sequence[System],
    expires_at: datetime,
    is_named_anew: bool = False,
) -> IssuedToken:
    """Create a token for a machine that `owner` answers for. It can do no more than their roles hold when it is used.

    Args:
        is_named_anew: whether no other token of the owner's that works has the name: a form that is sent twice issues
            one, and not another whose text nobody saw.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_issue_token` does.
        ConflictingContent: another has the name.
        InvalidInput: no scope, no system, too many of them or of tokens, an expiry that is over already, or a name that
            is too long.
    """
    acts.check_can_issue_token(principal, owner, scopes, systems)
    return _store(principal, _New(name, owner, scopes, systems, expires_at), is_named_anew=is_named_anew)


@transaction.atomic
def make_review_token(
    *, principal: Principal, name: str, systems: Sequence[System], days: int
) -> IssuedToken:
    """Create a token by which a reviewer judges from elsewhere. It acts as them, and only they ever read its text.

    Args:
        days: until it expires.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_make_review_token` does.
        ConflictingContent: another token of theirs that works has the name.
        InvalidInput: no system, too many days, systems or tokens, or a name that is empty or too long.
    """
    acts.check_can_make_review_token(principal, systems)
    if not name.strip():
        raise InvalidInput(
            worded("Say what the token is for: judgements that come by it are told apart by it.")
        )
    if days < 1:
        raise InvalidInput(worded("The token would be expired already: give a later expiry."))
    check_count(days, "MAX_REVIEW_TOKEN_DAYS", worded("The days of a token for reviews"))
    expires_at = clock.now() + timedelta(days=days)
    new = _New(name, principal.person, OF_REVIEWS, systems, expires_at, is_own=True)
    return _store(principal, new, is_named_anew=True)


def _store(principal: Principal, new: _New, *, is_named_anew: bool) -> IssuedToken:
    owner, scopes, systems = new.owner, new.scopes, new.systems
    check_texts(AccessToken, name=new.name)
    check_count(len(set(scopes)), "MAX_TOKEN_SCOPES", worded("The scopes of a token"))
    check_count(len(systems), "MAX_TOKEN_SYSTEMS", worded("The systems of a token"))
    hold(Lock.TOKENS_OF, owner.pk)
    held = AccessToken.objects.filter(owner=owner, revoked_at=None, expires_at__gt=clock.now())
    if is_named_anew and (other := held.filter(name=new.name).first()) is not None:
        raise ConflictingContent(
            worded(
                "%(owner)s has a token of this name already, %(prefix)s: if its text was not kept, "
                "revoke it; or give this one another name.",
                owner=owner.get_username(),
                prefix=other.prefix,
            )
        )
    check_count(
        held.count() + 1, "MAX_TOKENS", worded("The tokens of %(person)s", person=owner.get_username())
    )
    if not scopes or not systems:
        raise InvalidInput(worded("A token needs at least one scope and one system."))
    if new.expires_at <= clock.now():
        raise InvalidInput(worded("The token would be expired already: give a later expiry."))
    prefix = secrets.token_hex(6)
    text = f"tb_{prefix}_{secrets.token_urlsafe(32)}"
    token = AccessToken.objects.create(
        prefix=prefix,
        secret_digest=sha256_hex(text.encode("ascii")),
        name=new.name,
        owner=owner,
        scopes=[scope.value for scope in scopes],
        is_own=new.is_own,
        expires_at=new.expires_at,
    )
    token.systems.set(systems)
    payload = {
        "name": new.name,
        "scopes": token.scopes,
        "owner": actor_of_user(owner),
        "systems": sorted({system.key for system in systems}),
        "expires_at": new.expires_at.astimezone(UTC).isoformat(),
        "secret_digest": token.secret_digest,
        "is_own": token.is_own,
    }
    audit.record(verb="token.issued", actor=principal.actor, obj=token, payload=payload)
    return IssuedToken(token, text)


@transaction.atomic
def revoke_token(*, principal: Principal, token: AccessToken) -> None:
    """Make a token useless from now on; revoking twice changes nothing.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_revoke_token` does.
    """
    acts.check_can_revoke_token(principal, token)
    if AccessToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=clock.now()):
        audit.record(verb="token.revoked", actor=principal.actor, obj=token)


def end_own_tokens(person: User, actor: str) -> None:
    """Make useless what a person made for themselves, as their sessions end: it may be another who sat in one of those.

    Args:
        actor: whose act ends them.
    """
    for token in own_of(person).filter(revoked_at=None):
        AccessToken.objects.filter(pk=token.pk).update(revoked_at=clock.now())
        audit.record(verb="token.revoked", actor=actor, obj=token)
