"""Sign-ins, put on record: who came, who left, and that somebody tried who could not come in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import transaction
from django.utils.crypto import salted_hmac

from evidence.actors import actor_of_component, actor_of_user
from evidence.services import audit

COMPONENT: Final = "sign-in"
_NOBODY: Final = 0  # the key of no account
_LONGEST_NAME: Final = (
    User._meta.get_field("username").max_length or 0
)  # characters, which the form asks for, too
_WINDOW: Final = 60  # seconds
_TRIED: Final = "evidence.failed-sign-ins"  # how many in this window, of this process
_LEFT_OUT: Final = "evidence.failed-sign-ins-left-out"  # how many since one was last recorded


@transaction.atomic
def record_sign_in(person: User, *, provider: Mapping[str, object] | None = None) -> None:
    """Put on record that a person signed in.

    Args:
        provider: what the provider of single sign-on said of it; None for a password of ours.
    """
    audit.record(
        verb="sign_in.succeeded",
        actor=actor_of_user(person),
        obj=person,
        payload={"provider": dict(provider)} if provider else None,
    )


@transaction.atomic
def record_sign_out(person: User) -> None:
    """Put on record that a person signed out."""
    audit.record(verb="sign_in.ended", actor=actor_of_user(person), obj=person)


@transaction.atomic
def record_failed_sign_in(typed: str) -> None:
    """Put on record that somebody could not sign in, at most so many times a minute; the rest are counted.

    Args:
        typed: what they gave as a user name. It may be a password in the wrong field, so where it names no account,
            only a keyed digest of it is kept: enough to tell one guess a hundred times from a hundred guesses.
    """
    if not _is_within_bounds():
        return
    person = _find_account(typed)
    _record_failure(person, {} if person else {"typed": _keyed_digest(typed)})


@transaction.atomic
def record_failed_provider_sign_in(reason: str, *, person: User | None = None, subject: str = "") -> None:
    """Put on record that somebody came back from the provider and could not sign in; as many as of the others.

    Args:
        reason: the stable word of why.
        person: who is bound to the subject.
        subject: whom the provider named, where nobody is bound to it: a keyed digest is kept.
    """
    if _is_within_bounds():
        _record_failure(
            person, {"provider": reason, **({"subject": _keyed_digest(subject)} if subject else {})}
        )


def _record_failure(person: User | None, details: Mapping[str, object]) -> None:
    audit.record(
        verb="sign_in.failed",
        actor=actor_of_component(COMPONENT),
        obj=person or User(pk=_NOBODY),
        payload={"left_out_before": cache.get_or_set(_LEFT_OUT, 0, timeout=None) or 0, **details},
    )
    cache.set(_LEFT_OUT, 0, timeout=None)


def _keyed_digest(text: str) -> str:
    return salted_hmac(__name__, text, algorithm="sha256").hexdigest()[:32]


def _find_account(typed: str) -> User | None:
    """Return the account that a sign-in means, read as the form reads it; None for what could be no name."""
    if (
        len(typed) > _LONGEST_NAME or "\0" in typed
    ):  # the form compares no longer one, and neither normalises it
        return None
    return User.objects.filter(username=User.normalize_username(typed).strip()).first()


def _is_within_bounds() -> bool:
    """Count an attempt; one too many is left out of the log, which keeps each for ever."""
    cache.add(_TRIED, 0, timeout=_WINDOW)
    try:
        tried = cache.incr(_TRIED)
    except ValueError:  # its minute ended in between
        tried = 1
    if tried > settings.FAILED_SIGN_INS_RECORDED:
        cache.set(_LEFT_OUT, int(cache.get(_LEFT_OUT) or 0) + 1, timeout=None)
        return False
    return True
