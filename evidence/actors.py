"""Actors, as rows and audit events name them: the one home of that form.

- `person:<20 characters>`, a pseudonym: somebody, whatever their account is called today (`Pseudonym`).
- `token:<prefix>`, `system:<component>`: a machine, or a part of this installation.
- `user:<name>`: somebody, in what was written before there were pseudonyms. Whom each meant was kept then; what an
  account is called today says nothing about it.

A token acts for the person who owns it, so that nobody is two people.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import QuerySet, Value
from django.db.models.functions import Concat

from evidence.models import AccessToken, Pseudonym
from evidence.models.person import PERSON
from evidence.services.people.pseudonyms import ensure_pseudonym

_FORMER, _TOKEN, _COMPONENT = "user", "token", "system"
_REMEMBERED: Final[ContextVar[dict[str, str] | None]] = ContextVar("people behind actors", default=None)
# What is written today; `user:<name>` is only read.
ACTOR_FORM: Final = re.compile(rf"{PERSON}:[a-z2-7]{{20}}|{_TOKEN}:[0-9a-f]{{12}}|{_COMPONENT}:[a-z-]+")


def actor_of_user(user: User) -> str:
    """Return the actor of a person: their pseudonym, which an account that never acted is given now.

    It is not kept on the account in memory: what gives it may be undone, with the transaction that it is part of.
    """
    relation: Any = User._meta.get_field("pseudonym")
    loaded: Pseudonym | None = relation.get_cached_value(user) if relation.is_cached(user) else None
    known = loaded or Pseudonym.objects.filter(user_id=user.pk).first()
    return (known or ensure_pseudonym(user)).actor


def actor_of_token(token: AccessToken) -> str:
    """Return the actor's name of a token."""
    return f"{_TOKEN}:{token.prefix}"


def actor_of_prefix(prefix: str) -> str | None:
    """Return the actor's name of the token that a prefix names; None where it names none."""
    return f"{_TOKEN}:{prefix}" if prefix else None


def actor_of_component(name: str) -> str:
    """Return the actor's name of a part of this installation."""
    return f"{_COMPONENT}:{name}"


def actors_of(user: User) -> list[str]:
    """Return each actor that a person acts as, or did: their pseudonym, their former name, the tokens they own.

    One query, because the rules about what is one's own ask for it on nearly every page.
    """
    return [actor for (actor,) in all_actors_of(user)]


def all_actors_of(user: User) -> QuerySet[Any, tuple[str]]:
    """Return what `actors_of` does, to stand inside of another query."""
    people = Pseudonym.objects.filter(user_id=user.pk)
    former = people.exclude(formerly="").values_list("formerly")
    return people.values_list("actor").union(former, tokens_of([user.pk]), all=True)


def tokens_of(people: Any) -> QuerySet[Any, tuple[str]]:
    """Return the actors that the tokens of some people are, to stand inside of another query.

    Args:
        people: their keys, or a query of them.
    """
    owned = AccessToken.objects.filter(owner__in=people)
    return owned.values_list(Concat(Value(f"{_TOKEN}:"), "prefix"))


def find_user(actor: str) -> User | None:
    """Return the account of the person that an actor names; None where it names no person on record."""
    column = {PERSON: "actor", _FORMER: "formerly"}.get(actor.partition(":")[0])
    if column is None:
        return None
    found = Pseudonym.objects.select_related("user").filter(**{column: actor}).first()
    return found.user if found else None


def find_token(actor: str) -> AccessToken | None:
    """Return the token of that actor's name; None where it names no token on record."""
    kind, _, prefix = actor.partition(":")
    if kind != _TOKEN:
        return None
    return AccessToken.objects.select_related("owner__pseudonym").filter(prefix=prefix).first()


def user_behind(actor: str) -> User | None:
    """Return the account of the person who acts, directly or through a token; None where no person does."""
    token = find_token(actor)
    return token.owner if token else find_user(actor)


def person_behind(actor: str) -> str:
    """Return the pseudonym of the person behind an actor; one behind whom there is none stands for itself."""
    if actor.partition(":")[0] == PERSON:
        return actor  # asked for on nearly every page
    known = _REMEMBERED.get()
    if known is not None and actor in known:
        return known[actor]
    user = user_behind(actor)
    found = actor_of_user(user) if user else actor
    if known is not None:
        known[actor] = found
    return found


@contextmanager
def remembering_people() -> Iterator[None]:
    """Ask once for the person behind each actor within: a page that asks of many rows asks of few people."""
    before = _REMEMBERED.set({})
    try:
        yield
    finally:
        _REMEMBERED.reset(before)


def same_person(one: str, other: str) -> bool:
    """Whether two actors are the same person, by whichever of their names, or through a token that person owns."""
    return person_behind(one) == person_behind(other)
