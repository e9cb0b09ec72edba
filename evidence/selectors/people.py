"""The directory as it is shown: whom the record means, and what they are called."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import Case, F, Q, QuerySet, Value, When

from evidence import clock
from evidence.digests import sha256_hex
from evidence.models import AccessToken, Pseudonym, SecondFactor
from evidence.roles import ROLES, conflicts_of, roles_of, token_scopes_of
from evidence.worded import Worded


def directory() -> QuerySet[Any]:
    """Return everybody, as `as_shown` does."""
    return as_shown(Pseudonym.objects.all())


def as_shown(people: QuerySet[Pseudonym]) -> QuerySet[Any]:
    """Return people with their accounts and, as `was_called`, what rows from before pseudonyms call them.

    That is empty for later accounts, and for those whose names were erased: who that was is not told any more. Rules
    still ask `Pseudonym.formerly`, so that nobody becomes two people.
    """
    erased = When(user__username=F("actor"), then=Value(""))  # as `erase_names` leaves an account
    return people.select_related("user").annotate(was_called=Case(erased, default=F("formerly")))


def facts_of(person: User) -> dict[str, Any]:
    """Return all that gives a person power but for the systems they see, as the record keeps it.

    Of the password it is a digest of what is stored, which is salted and slow to guess: it tells of no guess whether it
    is right.
    """
    return {
        "roles": sorted(group.name for group in person.groups.all()),
        "active": person.is_active,
        "staff": person.is_staff,
        "superuser": person.is_superuser,
        "permissions": sorted(permission.codename for permission in person.user_permissions.all()),
        **password_fact(person),
    }


def password_fact(person: User) -> dict[str, str]:
    """Return which password a person has, as the record keeps it."""
    return {"password_digest": sha256_hex(person.password.encode())}


def factor_fact(factor: SecondFactor) -> dict[str, str]:
    """Return which secret a factor is, as the record keeps it: a digest of what is stored, which is encrypted."""
    return {"secret_digest": sha256_hex(factor.secret.encode())}


def find_conflicting_roles() -> list[tuple[User, list[Worded]]]:
    """Return the active people who hold roles that do not go together, and a sentence for each two."""
    holders = User.objects.filter(Q(groups__name__in=ROLES) | Q(is_superuser=True), is_active=True).distinct()
    people = holders.prefetch_related("groups").order_by("username")
    return [(person, conflicts) for person in people if (conflicts := conflicts_of(person))]


def find_tokens_beyond_their_owners() -> list[tuple[AccessToken, list[str]]]:
    """Return the tokens that still open something, with those of their scopes that the owner's roles do not hold."""
    usable = AccessToken.objects.filter(revoked_at=None, expires_at__gt=clock.now(), owner__is_active=True)
    tokens = usable.select_related("owner").prefetch_related("owner__groups").order_by("pk")
    beyond = ((token, sorted(set(token.scopes) - token_scopes_of(roles_of(token.owner)))) for token in tokens)
    return [(token, scopes) for token, scopes in beyond if scopes]
