"""Sessions: those of a person ended by another than the person, those that are over taken away; whether one goes on."""

from __future__ import annotations

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from evidence import clock, session_marks
from evidence.access import Principal
from evidence.errors import AccessDenied
from evidence.models import SignInBinding
from evidence.selectors.signed_in import read_session
from evidence.worded import worded

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


def check_goes_on(principal: Principal) -> None:
    """See that nothing has ended the session of whoever asks since their request began.

    For what outlives the session: who asks holds what an end of it holds, too, so that one of the two comes first.

    Raises:
        AccessDenied: the account was switched off, its password or its roles are others, the session is gone, or the
            person signs in as another subject of the provider, or by none.
    """
    person = User.objects.filter(pk=principal.person.pk, is_active=True).first()
    if person is None or person.password != principal.person.password or not _is_there(principal, person):
        raise AccessDenied(worded("Your session has ended meanwhile: sign in again."))


def _is_there(principal: Principal, person: User) -> bool:
    if not principal.session_key:  # nothing of the kind: a service asks in their name
        return True
    stored = read_session(principal.session_key, at=clock.now())
    if stored is None:
        return False
    session = SessionStore().decode(stored)
    if not session_marks.has_rights_of(session, person):
        return False
    binding = session_marks.binding_of(session)
    last = SignInBinding.objects.filter(user=person).order_by("-pk").first()
    return binding is None or (last is not None and last.pk == binding)


def remove_ended_sessions() -> None:
    """Take away the sessions that are over, with the forms that were kept in them."""
    Session.objects.filter(expire_date__lte=clock.now()).delete()
