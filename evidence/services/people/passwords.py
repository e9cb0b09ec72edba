"""Passwords: chosen by the person they are for, whom somebody gives a link to do so once.

A link is derived, not stored: it is signed over the person's key, roles, password hash and last sign-in. So it ends
when it is used, when another is made, when the roles change, and with its time; the database holds nothing of it.
So does the password with a role that no operator gives alone, where it was an operator who made the link.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from evidence import acts, clock
from evidence.access import Principal, principal_of_command_line
from evidence.actors import actor_of_user
from evidence.errors import InvalidInput, NotFound
from evidence.models import AuditEvent
from evidence.roles import roles_of
from evidence.selectors.people import password_fact
from evidence.services import audit
from evidence.services.people.pseudonyms import ACTOR
from evidence.services.people.tokens import end_own_tokens
from evidence.worded import worded

_LINK_MADE: Final = "password_link.made"


@dataclass(frozen=True, slots=True)
class PasswordLink:
    """A link for one person to choose a password, once. It is not stored and cannot be shown again."""

    person: User
    uid: str
    token: str
    expires_at: datetime

    @property
    def path(self) -> str:
        """The address below this installation's own."""
        return reverse("admin:password_link", args=[self.uid, self.token])


class LinkSigner(PasswordResetTokenGenerator):
    """Signs links over what a person may do, too: a link made before they were promoted does not open what came."""

    key_salt = "evidence.services.people.passwords"

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        held = ",".join(sorted(roles_of(user)))
        return f"{super()._make_hash_value(user, timestamp)}:{held}:{user.is_active}:{user.is_superuser}"


SIGNER: Final = LinkSigner()


@transaction.atomic
def make_password_link(*, principal: Principal, person: User) -> PasswordLink:
    """Take a person's password away and return the link by which they choose another.

    Their earlier links, sessions and tokens of their own end with the password, so that somebody who uses the link in
    their place is found out when they next come.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as `acts.check_can_make_password_link` does.
    """
    locked = User.objects.select_for_update().get(pk=person.pk)
    acts.check_can_make_password_link(principal, locked)
    _set_password(locked, None, actor=principal.actor)
    expires_at = clock.now() + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
    payload = {
        "person": actor_of_user(locked),
        "expires_at": expires_at.isoformat(),
        **password_fact(locked),
    }
    audit.record(verb=_LINK_MADE, actor=principal.actor, obj=locked, payload=payload)
    uid = urlsafe_base64_encode(force_bytes(locked.pk))
    return PasswordLink(locked, uid, SIGNER.make_token(locked), expires_at)


@transaction.atomic
def choose_password(*, uid: str, token: str, password: str) -> User:
    """Give the person of a link the password that they chose. Of several at once who use a link, one does.

    Raises:
        NotFound: the link was used, has expired, or was never made.
        InvalidInput: the password is guessed too soon.
    """
    person = _person_of_link(uid, token)
    check_password(password, person)
    _set_password(person, password, actor=actor_of_user(person))
    audit.record(
        verb="password.chosen", actor=actor_of_user(person), obj=person, payload=password_fact(person)
    )
    return person


def end_password_of_operators_link(person: User) -> bool:
    """Take away a password that was chosen by a link which an operator made; return whether there was one.

    For whoever comes to hold a role that no operator gives alone: the operator may have used the link in their place,
    and would be them from then on. They choose another, by a link that is made on the machine.
    """
    made = AuditEvent.objects.filter(verb=_LINK_MADE, object_type=User._meta.label, object_id=str(person.pk))
    last = made.order_by("-pk").first()
    if last is None or last.actor == principal_of_command_line().actor or not person.has_usable_password():
        return False
    _set_password(person, None, actor=ACTOR)
    return True


def check_password(password: str, person: User) -> None:
    """See that a password is not guessed soon.

    Raises:
        InvalidInput: saying what makes it weak.
    """
    try:
        validate_password(password, person)
    except ValidationError as exc:
        raise InvalidInput(
            worded("Choose another password. %(messages)s", messages=" ".join(exc.messages))
        ) from exc


@transaction.atomic
def record_password_changed(*, principal: Principal) -> None:
    """Put on record that a person changed their own password, in the transaction that did.

    Their other sessions end, and the tokens that they made for themselves: whoever knew the password may have made one.

    Raises:
        AccessDenied: no person is asking.
    """
    person = principal.person
    end_own_tokens(person, principal.actor)
    audit.record(verb="password.changed", actor=principal.actor, obj=person, payload=password_fact(person))


@transaction.atomic
def record_password_rehashed(person: User) -> None:
    """Put on record that a password is stored in a newer form since its person signed in with it."""
    audit.record(verb="password.rehashed", actor=ACTOR, obj=person, payload=password_fact(person))


def _set_password(person: User, password: str | None, *, actor: str) -> None:
    """Give a person another password, by which their sessions end, and end their own tokens with those."""
    person.password = make_password(password)  # of None, one that nobody can have, and each time another
    person.save(update_fields=["password"])
    end_own_tokens(person, actor)


def _person_of_link(uid: str, token: str) -> User:
    """Return the account that a link is for, locked until the transaction ends."""
    person = _find_person(uid)
    if person is None or not SIGNER.check_token(person, token):
        raise NotFound(worded("This link was used, has expired, or was replaced: ask for another."))
    return person


def _find_person(uid: str) -> User | None:
    try:
        key = int(urlsafe_base64_decode(uid))
    except ValueError:
        return None
    return User.objects.select_for_update().filter(pk=key, is_active=True).first()
