"""Actors, as audit events name them: `user:<name>`, `token:<prefix>`, `system:<component>`. The one home of that form.

A token acts for the person who owns it, so that nobody is two people.
"""

from __future__ import annotations

from django.contrib.auth.models import User

from evidence.models import AccessToken, Membership, System

_USER, _TOKEN, _COMPONENT = "user", "token", "system"


def actor_of_user(user: User) -> str:
    """Return the actor's name of a person."""
    return f"{_USER}:{user.get_username()}"


def actor_of_token(token: AccessToken) -> str:
    """Return the actor's name of a token."""
    return f"{_TOKEN}:{token.prefix}"


def actor_of_component(name: str) -> str:
    """Return the actor's name of a part of this installation."""
    return f"{_COMPONENT}:{name}"


def actors_of(user: User) -> list[str]:
    """Return each actor that a person acts as: themselves, and the tokens they own."""
    return [actor_of_user(user), *map(actor_of_token, AccessToken.objects.filter(owner=user))]


def find_user(actor: str) -> User | None:
    """Return the person of that actor's name; None where it names no person on record."""
    kind, _, name = actor.partition(":")
    return User.objects.filter(username=name).first() if kind == _USER else None


def find_token(actor: str) -> AccessToken | None:
    """Return the token of that actor's name; None where it names no token on record."""
    kind, _, prefix = actor.partition(":")
    if kind != _TOKEN:
        return None
    return AccessToken.objects.select_related("owner").filter(prefix=prefix).first()


def person_behind(actor: str) -> str:
    """Return the owner's name for a token; any other actor stands for itself."""
    token = find_token(actor)
    return actor_of_user(token.owner) if token else actor


def same_person(one: str, other: str) -> bool:
    """Whether two actors are the same person, directly or through a token that person owns."""
    return person_behind(one) == person_behind(other)


def is_member(actor: str, system: System) -> bool:
    """Whether the person behind an actor is a member of the system."""
    kind, _, name = person_behind(actor).partition(":")
    return kind == _USER and Membership.objects.filter(system=system, user__username=name).exists()
