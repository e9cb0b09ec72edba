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
from evidence.errors import AccessDenied, ConflictingContent, InvalidInput
from evidence.limits import check_count
from evidence.locks import Lock, hold
from evidence.models import AccessToken, Scope, System
from evidence.roles import roles_of, scopes_of
from evidence.selectors.tokens import own_of
from evidence.services import audit
from evidence.services.people.sessions import check_goes_on
from evidence.texts import check_texts
from evidence.worded import worded

# What a token that a reviewer makes for themselves may, and no more.
OF_REVIEWS: Final = (Scope.READ, Scope.REVIEW)


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
    new = _New(name, owner, scopes, systems, expires_at)
    _hold_tokens_of(owner)
    _check_new(new, is_named_anew=is_named_anew)
    return _store(principal, new)


@transaction.atomic
def make_review_token(
    *, principal: Principal, name: str, systems: Sequence[System], days: int
) -> IssuedToken:
    """Create a token by which a reviewer judges from elsewhere. It acts as them, and only they ever read its text.

    Args:
        days: until it expires.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_make_review_token` does; of whose session has ended, or whose role
            was taken, since the request began.
        ConflictingContent: another token of theirs that works has the name.
        InvalidInput: no system, too many days, systems or tokens, or a name that is empty or too long.
    """
    acts.check_can_make_review_token(principal, systems)
    if not name.strip():
        raise InvalidInput(
            worded("Say what the token is for: by that you know it again in the list of your tokens.")
        )
    check_count(days, "MAX_REVIEW_TOKEN_DAYS", worded("The days of a token for reviews"))
    expires_at = clock.now() + timedelta(days=days)
    new = _New(name, principal.person, OF_REVIEWS, systems, expires_at, is_own=True)
    _hold_tokens_of(principal.person)
    check_goes_on(principal)
    _check_reviews_still(principal.person)
    _check_new(new, is_named_anew=True)
    return _store(principal, new)


def _hold_tokens_of(person: User) -> None:
    """Hold the tokens of a person, after their account: whoever ends their sign-in mostly has that in hand already, and
    a new token's row would ask for it while they wait.
    """
    User.objects.select_for_update(no_key=True).get(pk=person.pk)
    hold(Lock.TOKENS_OF, person.pk)


def _check_reviews_still(person: User) -> None:
    """See that the role was not taken since the request began: with it `end_own_tokens` ended what there was.

    Raises:
        AccessDenied: it was.
    """
    if Scope.REVIEW not in scopes_of(roles_of(User.objects.get(pk=person.pk))):
        raise AccessDenied(worded("You are no reviewer any more, so you make no tokens for reviews."))


def _check_new(new: _New, *, is_named_anew: bool) -> None:
    """See that a token can be what it is to be, beside those that its owner has.

    Raises:
        ConflictingContent, InvalidInput: as `issue_token` does.
    """
    check_texts(AccessToken, name=new.name)
    check_count(len(set(new.scopes)), "MAX_TOKEN_SCOPES", worded("The scopes of a token"))
    check_count(len(new.systems), "MAX_TOKEN_SYSTEMS", worded("The systems of a token"))
    if not new.scopes or not new.systems:
        raise InvalidInput(worded("A token needs at least one scope and one system."))
    if new.expires_at <= clock.now():
        raise InvalidInput(worded("The token would be expired already: give a later expiry."))
    _check_beside_others(new, is_named_anew=is_named_anew)


def _check_beside_others(new: _New, *, is_named_anew: bool) -> None:
    owner = new.owner
    held = AccessToken.objects.filter(owner=owner, revoked_at=None, expires_at__gt=clock.now())
    alike = held.filter(name=new.name, is_own=new.is_own)  # what is listed beside it, to be revoked there
    if is_named_anew and (other := alike.first()) is not None:
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


def _store(principal: Principal, new: _New) -> IssuedToken:
    prefix = secrets.token_hex(6)
    text = f"tb_{prefix}_{secrets.token_urlsafe(32)}"
    token = AccessToken.objects.create(
        prefix=prefix,
        secret_digest=sha256_hex(text.encode("ascii")),
        name=new.name,
        owner=new.owner,
        scopes=[scope.value for scope in new.scopes],
        is_own=new.is_own,
        expires_at=new.expires_at,
    )
    token.systems.set(new.systems)
    _record_issued(principal, token, new.systems)
    return IssuedToken(token, text)


def _record_issued(principal: Principal, token: AccessToken, systems: Sequence[System]) -> None:
    payload = {
        "name": token.name,
        "scopes": token.scopes,
        "owner": actor_of_user(token.owner),
        "systems": sorted({system.key for system in systems}),
        "expires_at": token.expires_at.astimezone(UTC).isoformat(),
        "secret_digest": token.secret_digest,
        "is_own": token.is_own,
    }
    audit.record(verb="token.issued", actor=principal.actor, obj=token, payload=payload)


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

    One that is being made beside this is made before, and ended, or not at all (`sessions.check_goes_on`).

    Args:
        actor: whose act ends them.
    """
    _hold_tokens_of(person)
    for token in own_of(person).filter(revoked_at=None):
        AccessToken.objects.filter(pk=token.pk).update(revoked_at=clock.now())
        audit.record(verb="token.revoked", actor=actor, obj=token)
