"""Sessions: those of a person ended by another than the person, and those that are over taken away."""

from __future__ import annotations

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from evidence import clock

_AT_ONCE = 500  # rows held while all are looked through


def end_sessions(person: User) -> int:
    """End every session of a person, by password or single sign-on, and return how many there were.

    All that have not expired are looked through, because no column says whose one is. A request that is under way in
    one of them ends, and does not store its session anew: Django stores no session whose row is gone.
    """
    store, kept = SessionStore(), Session.objects.filter(expire_date__gt=clock.now())
    rows = kept.values_list("session_key", "session_data").iterator(chunk_size=_AT_ONCE)
    theirs = [key for key, data in rows if store.decode(data).get(SESSION_KEY) == str(person.pk)]
    Session.objects.filter(session_key__in=theirs).delete()
    return len(theirs)


def remove_ended_sessions() -> None:
    """Take away the sessions that are over, with the forms that were kept in them."""
    Session.objects.filter(expire_date__lte=clock.now()).delete()
