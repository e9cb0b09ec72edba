"""What stands of a person today: how they sign in, the sessions they have open, and the tokens they answer for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db.models import Max
from django.utils.crypto import constant_time_compare

from evidence import clock, session_marks
from evidence.access import Principal, visible_to
from evidence.models import AccessToken, AuditEvent, SecondFactor, SignInBinding
from evidence.selectors.tokens import working

MOST_SESSIONS: Final = 1_000  # of all people, looked through from the newest on: no column says whose one is
MOST_TOKENS: Final = 20


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session in which a person is signed in."""

    began: datetime
    used: datetime  # noted at most every minute
    by_provider: bool  # single sign-on; otherwise a password of ours


@dataclass(frozen=True, slots=True)
class PersonStanding:
    """What stands of a person."""

    has_password: bool
    factor: SecondFactor | None  # of ours: codes of an app, and recovery codes
    factor_used_at: datetime | None
    binding: SignInBinding | None  # by which the provider signs them in
    sessions: Sequence[OpenSession]
    tokens: Sequence[AccessToken]  # that work, of systems of whoever asks
    n_more_tokens: int

    @property
    def n_recovery_codes(self) -> int:
        """Return how many recovery codes were not used yet."""
        return len(self.factor.recovery_digests) if self.factor else 0


def standing_of(person: User, principal: Principal) -> PersonStanding:
    """Return what stands of a person, as far as whoever asks may know."""
    factor = SecondFactor.objects.filter(user=person).first()
    tokens = visible_to(AccessToken.objects.filter(owner=person), principal)
    found = working(tokens).order_by("-pk")
    shown = list(found[:MOST_TOKENS])
    n_tokens = found.count() if len(shown) == MOST_TOKENS else len(shown)
    return PersonStanding(
        has_password=person.has_usable_password(),
        factor=factor,
        factor_used_at=_used_at(factor) if factor else None,
        binding=_binding_of(person),
        sessions=list(_sessions_of(person)),
        tokens=shown,
        n_more_tokens=n_tokens - len(shown),
    )


def _used_at(factor: SecondFactor) -> datetime | None:
    """Return when a code of this factor was taken last. By the greatest time, so that the index of objects is read."""
    about = AuditEvent.objects.filter(object_type=User._meta.label, object_id=str(factor.user_id))
    used = about.filter(verb="second_factor.used", occurred_at__gte=factor.created_at)  # no former one's
    at: datetime | None = used.aggregate(at=Max("occurred_at"))["at"]
    return at


def _binding_of(person: User) -> SignInBinding | None:
    last = SignInBinding.objects.filter(user=person).order_by("-pk").first()
    return last if last is not None and last.subject_digest else None


def _sessions_of(person: User) -> Iterator[OpenSession]:
    """Yield the sessions in which a person is signed in, newest first."""
    store, own_hash = SessionStore(), person.get_session_auth_hash()
    kept = Session.objects.filter(expire_date__gt=clock.now()).order_by("-expire_date")
    for data in kept.values_list("session_data", flat=True)[:MOST_SESSIONS]:
        marks: Mapping[str, Any] = store.decode(data)
        if marks.get(SESSION_KEY) != str(person.pk):
            continue
        if not constant_time_compare(marks.get(HASH_SESSION_KEY, ""), own_hash):
            continue  # of before another password
        limits = {"idle": settings.SESSION_IDLE, "longest": settings.SESSION_COOKIE_AGE}
        if person.is_active and not session_marks.is_over(marks, person, **limits):
            began, used = session_marks.spans(marks)
            yield OpenSession(began, used, session_marks.binding_of(marks) is not None)
