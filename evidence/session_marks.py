"""What a session remembers of its sign-in: when it began, when it was used last, when the person proved last who they
are, and with which roles; and what waits in it to be told once. All by our clock, in seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, Final

from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase

from evidence import clock
from evidence.digests import sha256_hex
from evidence.roles import rights_of

_BEGAN: Final = "tracebinder_began"
_USED: Final = "tracebinder_used"
_PROVED: Final = "tracebinder_proved"
_RIGHTS: Final = "tracebinder_rights"
_BINDING: Final = "tracebinder_binding"
_TWO_FACTORS: Final = "tracebinder_two_factors"
_TOLD_ONCE: Final = "tracebinder_told_once"
NOTED_EVERY: Final = 60  # seconds between two notes that a session is used: each is a write


def begin(session: SessionBase, person: User) -> None:
    """Mark the session of a person who has just signed in, and so proved who they are."""
    session[_BEGAN] = session[_USED] = session[_PROVED] = clock.now().timestamp()
    session[_RIGHTS] = _digest_of_rights(person)


def note_proof(session: SessionBase) -> None:
    """Mark that the person proved again who they are."""
    session[_PROVED] = clock.now().timestamp()


def note_provider(session: SessionBase, *, binding: int, proved: float, two_factors: bool) -> None:
    """Mark that the provider of single sign-on said who it is.

    Args:
        binding: the key of the `SignInBinding` by which the subject is this person.
        proved: when they proved it there, in seconds since 1970: it may be long before they came here.
        two_factors: whether the provider was asked for a second factor and told of one.
    """
    session[_BINDING], session[_TWO_FACTORS] = binding, two_factors
    session[_PROVED] = min(proved, clock.now().timestamp())


def binding_of(session: SessionBase | Mapping[str, Any]) -> int | None:
    """Return the key of the binding by which the provider signed the person in; None for a password of ours."""
    return session.get(_BINDING)


def has_two_factors(session: SessionBase) -> bool:
    """Whether the provider told of a second factor, so that none of ours is needed."""
    return bool(session.get(_TWO_FACTORS))


def mark_used(session: SessionBase) -> None:
    """Mark that the session is used, now and then."""
    if clock.now().timestamp() - float(session.get(_USED, 0)) >= NOTED_EVERY:
        session[_USED] = clock.now().timestamp()


def proved_at(session: SessionBase) -> datetime:
    """Return when the person proved last who they are; long ago, where the session does not say."""
    return datetime.fromtimestamp(float(session.get(_PROVED, 0)), UTC)


def spans(session: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """Return when a session began and when it was used last, as it was noted."""
    began, used = (float(session.get(mark, 0)) for mark in (_BEGAN, _USED))
    return datetime.fromtimestamp(began, UTC), datetime.fromtimestamp(used, UTC)


def told_once(session: SessionBase | Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what waits in a session to be told once, by a key of each (`evidence/pages/told_once.py`)."""
    waiting: dict[str, dict[str, Any]] = session.get(_TOLD_ONCE, {})
    return waiting


def put_told_once(
    session: SessionBase | MutableMapping[str, Any], waiting: dict[str, dict[str, Any]]
) -> None:
    """Have this wait in a session, and nothing else; what is as it was changes nothing of it."""
    if waiting == told_once(session):
        return
    if waiting:
        session[_TOLD_ONCE] = waiting
    else:
        session.pop(_TOLD_ONCE, None)


def is_over(session: SessionBase | Mapping[str, Any], person: User, *, idle: int, longest: int) -> bool:
    """Whether a session has ended: nobody used it, it is old, or the person's roles are others than they were.

    Args:
        idle: seconds without a request.
        longest: seconds since the sign-in.
    """
    now = clock.now().timestamp()
    return (
        now - float(session.get(_BEGAN, 0)) > longest
        or now - float(session.get(_USED, 0)) > idle
        or not has_rights_of(session, person)
    )


def has_rights_of(session: SessionBase | Mapping[str, Any], person: User) -> bool:
    """Whether a person's roles are what they were when they signed in."""
    return bool(session.get(_RIGHTS) == _digest_of_rights(person))


def _digest_of_rights(person: User) -> str:
    return sha256_hex("\n".join(rights_of(person)).encode())
