"""Tokens that work, which of them somebody looks at, and a person's own: counted, listed and told by one rule each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from django.contrib.auth.models import User
from django.db.models import QuerySet

from evidence import clock
from evidence.models import AccessToken

SOON: Final = timedelta(days=14)  # before a token ends its owner is told, in lists and on the page of health


def working(tokens: QuerySet[AccessToken]) -> QuerySet[AccessToken]:
    """Return those that open something: neither revoked nor expired."""
    return tokens.filter(revoked_at=None, expires_at__gt=clock.now())


def never_used(tokens: QuerySet[AccessToken]) -> QuerySet[AccessToken]:
    """Return those that work and were never used, as far as uses are noted."""
    return working(tokens).filter(last_used_at=None)


def expiring_soon(tokens: QuerySet[AccessToken]) -> QuerySet[AccessToken]:
    """Return those that work, and will not in a fortnight. A person's own all end within days: nobody renews them."""
    return working(tokens).filter(is_own=False, expires_at__lte=clock.now() + SOON)


def own_of(person: User) -> QuerySet[AccessToken]:
    """Return the tokens that a person made for themselves, the last one first; those that work no more, too."""
    return AccessToken.objects.filter(owner=person, is_own=True).order_by("-pk")


def state_of(token: AccessToken) -> str:
    """Return how a token stands, as a badge calls it: revoked, expired, soon to be, or active."""
    if token.revoked_at is not None:
        return "revoked"
    left = token.expires_at - clock.now()
    if left <= timedelta(0):
        return "expired"
    return "expires_soon" if left <= SOON and not token.is_own else "active"


LOOKED_AT: Final[dict[str, Callable[[QuerySet[AccessToken]], QuerySet[AccessToken]]]] = {
    "never_used": never_used,
    "expires_soon": expiring_soon,
}
