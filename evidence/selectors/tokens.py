"""Machine tokens that work, and which of them somebody looks at: counted, listed and told by one rule each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

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
    """Return those that work, and will not in a fortnight."""
    return working(tokens).filter(expires_at__lte=clock.now() + SOON)


LOOKED_AT: Final[dict[str, Callable[[QuerySet[AccessToken]], QuerySet[AccessToken]]]] = {
    "never_used": never_used,
    "expires_soon": expiring_soon,
}
