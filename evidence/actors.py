"""Who stands behind an actor's name: a token acts for the person who owns it."""

from __future__ import annotations

from evidence.models import AccessToken, Membership, System


def person_behind(actor: str) -> str:
    """Return `user:<name>` for a token's actor `token:<prefix>`; any other actor stands for itself."""
    kind, _, prefix = actor.partition(":")
    if kind != "token":
        return actor
    token = AccessToken.objects.select_related("owner").filter(prefix=prefix).first()
    return f"user:{token.owner.get_username()}" if token else actor


def same_person(one: str, other: str) -> bool:
    """Whether two actors are the same person, directly or through a token that person owns."""
    return person_behind(one) == person_behind(other)


def is_member(actor: str, system: System) -> bool:
    """Whether the person behind an actor is a member of the system."""
    kind, _, name = person_behind(actor).partition(":")
    return kind == "user" and Membership.objects.filter(system=system, user__username=name).exists()
