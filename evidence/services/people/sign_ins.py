"""Sign-ins, put on record: who came, who left, and that somebody tried who could not come in."""

from __future__ import annotations

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
_WINDOW: Final = 60  # seconds
_TRIED: Final = "evidence.failed-sign-ins"  # how many in this window, of this process
_LEFT_OUT: Final = "evidence.failed-sign-ins-left-out"  # how many since one was last recorded


@transaction.atomic
def record_sign_in(person: User) -> None:
    """Put on record that a person signed in."""
    audit.record(verb="sign_in.succeeded", actor=actor_of_user(person), obj=person)


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
    details: dict[str, object] = {"left_out_before": cache.get_or_set(_LEFT_OUT, 0, timeout=None) or 0}
    if person is None:
        details["typed"] = salted_hmac(__name__, typed, algorithm="sha256").hexdigest()[:32]
    audit.record(
        verb="sign_in.failed",
        actor=actor_of_component(COMPONENT),
        obj=person or User(pk=_NOBODY),
        payload=details,
    )
    cache.set(_LEFT_OUT, 0, timeout=None)


def _find_account(typed: str) -> User | None:
    """Return the account that a sign-in means, read as the form reads it; None for what could be no name."""
    name = User.normalize_username(typed).strip()
    return User.objects.filter(username=name).first() if "\0" not in name else None


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
