"""Second factors: set up by their person, taken at each sign-in, taken away by their person or who may change people.

Codes are those of RFC 6238 as authenticator apps make them: six digits, a new one each 30 seconds. One that is a step
early or late is taken, for clocks differ; each is taken once. Recovery codes are random, kept as keyed digests, and
used up one by one.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Mapping
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.crypto import salted_hmac

from evidence import acts, clock
from evidence.access import Principal
from evidence.actors import actor_of_user
from evidence.errors import ConflictingContent, InvalidInput
from evidence.models import SecondFactor
from evidence.selectors.people import factor_fact
from evidence.services import audit
from evidence.services.people.sessions import end_sessions
from evidence.services.people.tokens import end_own_tokens
from evidence.strict_json import fault_in_text
from evidence.worded import worded

STEP: Final = 30  # seconds
DIGITS: Final = 6
LONGEST_REASON: Final = 500  # characters of why a factor was taken away
_SECRET_BYTES: Final = 20  # as RFC 4226 advises for SHA-1
_TOLERANCE: Final = 1  # steps before and after ours
_RECOVERY_CODES: Final = 10
_RECOVERY_BYTES: Final = 10  # 80 bits, 16 characters of base32
_SALT: Final = "evidence.second_factor"


def new_secret() -> str:
    """Return a secret for an authenticator app, in base32."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii")


def has_second_factor(person: User) -> bool:
    """Whether a person's password alone does not sign them in."""
    return SecondFactor.objects.filter(user=person).exists()


@transaction.atomic
def set_up_second_factor(*, principal: Principal, secret: str, code: str) -> list[str]:
    """Give a person the second factor whose app has just shown this code, and return their recovery codes.

    Raises:
        AccessDenied, ProofNeeded: as `acts.check_can_change_own_factor` does.
        InvalidInput: the code is not one of this secret now.
        ConflictingContent: they have one already.
    """
    acts.check_can_change_own_factor(principal)
    person = principal.person
    step = _step_of(secret, code, after=0)
    if step is None:
        raise InvalidInput(
            worded("This is not the code that your app shows now. Wait for the next one and type that.")
        )
    codes = [
        base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode("ascii") for _ in range(_RECOVERY_CODES)
    ]
    factor, created = SecondFactor.objects.get_or_create(
        user=person,
        defaults={
            "secret": _cipher().encrypt(secret.encode()).decode("ascii"),
            "last_step": step,
            "recovery_digests": [_digest_of(person, code) for code in codes],
        },
    )
    if not created:
        raise ConflictingContent(worded("You have a second factor already: take it away first."))
    audit.record(verb="second_factor.set_up", actor=principal.actor, obj=person, payload=factor_fact(factor))
    return codes


@transaction.atomic
def pass_second_factor(person: User, code: str) -> bool:
    """Take a code of a person, of their app or a recovery code; True where they have no second factor."""
    factor = SecondFactor.objects.select_for_update().filter(user=person).first()
    if factor is None:
        return True
    typed = code.replace(" ", "").replace("-", "")
    kind = _take(factor, typed) if typed.isascii() else ""
    if not kind:
        return False
    factor.save(update_fields=["last_step", "recovery_digests"])
    audit.record(verb="second_factor.used", actor=actor_of_user(person), obj=person, payload={"kind": kind})
    return True


@transaction.atomic
def remove_second_factor(*, principal: Principal) -> None:
    """Take one's own second factor away.

    Raises:
        AccessDenied, ProofNeeded: as `acts.check_can_change_own_factor` does.
        InvalidInput: they have none.
    """
    acts.check_can_change_own_factor(principal)
    _remove(principal, principal.person, {})


@transaction.atomic
def reset_second_factor(*, principal: Principal, person: User, reason: str) -> int:
    """Take the second factor of somebody else away, who lost theirs. Their password alone signs them in from then on.

    Every session of theirs ends, and each token that they made for themselves, for whoever has what was lost may sit in
    one; how many sessions did is returned and on record.

    Args:
        reason: why, and how it was seen that it was they who asked; kept with the event, so it names no person beyond
            need.

    Raises:
        AccessDenied, NotFound, ProofNeeded: as `acts.check_can_reset_factor` does.
        InvalidInput: they have none, or no reason is given, or one that is too long.
    """
    # No role comes between the check and the removal.
    locked = User.objects.select_for_update().get(pk=person.pk)
    acts.check_can_reset_factor(principal, locked)
    if not reason.strip():
        raise InvalidInput(worded("Say why it is taken away, and how you saw that it was they who asked."))
    if fault := fault_in_text(reason):
        raise InvalidInput(worded("The reason %(fault)s.", fault=fault))
    if len(reason.strip()) > LONGEST_REASON:
        raise InvalidInput(
            worded(
                "The reason has %(length)s characters, at most %(most)s are kept: shorten it.",
                length=len(reason.strip()),
                most=LONGEST_REASON,
            )
        )
    n_ended = end_sessions(locked)
    end_own_tokens(locked, principal.actor)
    _remove(principal, locked, {"reason": reason.strip(), "sessions_ended": n_ended})
    return n_ended


def _remove(principal: Principal, person: User, details: Mapping[str, Any]) -> None:
    if not SecondFactor.objects.filter(user=person).delete()[0]:
        raise InvalidInput(worded("%(person)s has no second factor.", person=person.get_username()))
    audit.record(verb="second_factor.removed", actor=principal.actor, obj=person, payload=details or None)


def _take(factor: SecondFactor, typed: str) -> str:
    """Use a code up and return of which kind it is; empty where it is none."""
    try:
        secret = _cipher().decrypt(factor.secret.encode()).decode()
    except InvalidToken:  # SECRET_KEY is another: recovery codes are keyed by it as well
        return ""
    step = _step_of(secret, typed, after=factor.last_step)
    if step is not None:
        factor.last_step = step
        return "code"
    digest = _digest_of(factor.user, typed.upper())
    if digest in factor.recovery_digests:
        factor.recovery_digests.remove(digest)
        return "recovery code"
    return ""


def _step_of(secret: str, code: str, *, after: int) -> int | None:
    """Return the step whose code this is, if it is about now and later than the one taken last."""
    now = int(clock.now().timestamp()) // STEP
    generator = HOTP(base64.b32decode(secret), DIGITS, SHA1())  # noqa: S303  # what authenticator apps compute
    for step in range(now - _TOLERANCE, now + _TOLERANCE + 1):
        if step > after and hmac.compare_digest(generator.generate(step), code.encode()):
            return step
    return None


def _cipher() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(salted_hmac(_SALT, "secret", algorithm="sha256").digest()))


def _digest_of(person: User, code: str) -> str:
    return salted_hmac(_SALT, f"{person.pk}\0{code}", algorithm="sha256").hexdigest()
