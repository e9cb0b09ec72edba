"""Single sign-on: which subject of the provider is which person here. Bound by an act, never by a name or an address.

The provider vouches for `sub`, which it gives to one person for ever, and for nothing else that we would act on: user
names and e-mail addresses there are changed by others, and given to somebody else in the end.
"""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max

from evidence import acts
from evidence.access import Principal, principal_of_command_line
from evidence.actors import actor_of_user
from evidence.digests import sha256_hex
from evidence.errors import ConflictingContent, InvalidInput
from evidence.locks import Lock, hold
from evidence.models import SignInBinding
from evidence.roles import beyond_one_operator, roles_of
from evidence.services import audit
from evidence.services.people.tokens import end_own_tokens
from evidence.texts import check_texts
from evidence.worded import worded

LONGEST_SUBJECT = 255  # ASCII characters, by OpenID Connect Core 1.0, section 2


@transaction.atomic
def bind_sign_in(*, principal: Principal, person: User, issuer: str, subject: str) -> SignInBinding:
    """Let a person sign in as this subject of this provider, and as no other; the same again changes nothing.

    Where they were another subject, the sessions that began so end, and the tokens that they made for themselves.

    Raises:
        AccessDenied, NotFound, ProofNeeded: as `acts.check_can_bind_sign_in` does.
        InvalidInput: no provider is configured, or the subject is none.
        ConflictingContent: another person is this subject.
    """
    acts.check_can_bind_sign_in(principal, person)
    if not issuer:
        raise InvalidInput(worded("No provider is configured: set TRACEBINDER_OIDC_ISSUER first."))
    check_texts(SignInBinding, issuer=issuer)
    digest = digest_of_subject(issuer, subject)
    hold(Lock.SIGN_IN_BINDING)
    bound = find_binding(person)
    if bound is not None and bound.subject_digest == digest and opens(bound, person):
        return bound
    if find_bound_person(issuer, subject) not in {None, person}:
        raise ConflictingContent(worded("Another person signs in as this subject: end that first."))
    if bound is not None:
        end_own_tokens(person, principal.actor)
    return _store(principal, person, issuer, digest, verb="sign_in.bound")


@transaction.atomic
def end_sign_in_binding(*, principal: Principal, person: User) -> SignInBinding:
    """Have a person sign in by the provider no more, and end the sessions that began so, with their own tokens.

    Raises:
        AccessDenied, NotFound, ProofNeeded: as `acts.check_can_bind_sign_in` does.
        InvalidInput: they do not sign in by one.
    """
    acts.check_can_bind_sign_in(principal, person)
    hold(Lock.SIGN_IN_BINDING)
    bound = find_binding(person)
    if bound is None:
        raise InvalidInput(worded("%(person)s signs in by no provider.", person=person.get_username()))
    end_own_tokens(person, principal.actor)
    return _store(principal, person, bound.issuer, "", verb="sign_in.unbound")


def find_binding(person: User) -> SignInBinding | None:
    """Return as whom a person signs in by the provider; None where they do not."""
    last = SignInBinding.objects.filter(user=person).order_by("-pk").first()
    return last if last is not None and last.subject_digest else None


def opens(binding: SignInBinding, person: User) -> bool:
    """Whether a binding lets its person in with what they hold now.

    One that an operator made does not once they hold a role that no operator gives alone: else an operator would bind
    a sign-in of their own to somebody, and have them promoted. On the machine it is bound again.
    """
    by_hand = binding.bound_by != principal_of_command_line().actor
    return not (by_hand and (person.is_superuser or beyond_one_operator(roles_of(person))))


def find_bound_person(issuer: str, subject: str) -> User | None:
    """Return the person who is this subject of this provider now, whether or not they may sign in."""
    last = SignInBinding.objects.order_by().values("user").annotate(last=Max("pk")).values("last")
    found = SignInBinding.objects.filter(
        pk__in=last, issuer=issuer, subject_digest=digest_of_subject(issuer, subject)
    )
    return User.objects.filter(sign_in_bindings__in=found).first()


def digest_of_subject(issuer: str, subject: str) -> str:
    """Return what is kept of a subject.

    Raises:
        InvalidInput: it is none: empty, too long, or not of visible ASCII signs.
    """
    if not (subject.isascii() and subject.isprintable() and 0 < len(subject) <= LONGEST_SUBJECT):
        raise InvalidInput(
            worded(
                "A subject is what the provider calls `sub`: 1 to %(longest_subject)s printable ASCII characters.",
                longest_subject=LONGEST_SUBJECT,
            )
        )
    return sha256_hex(f"{issuer}\0{subject}".encode())


def _store(principal: Principal, person: User, issuer: str, digest: str, *, verb: str) -> SignInBinding:
    binding = SignInBinding.objects.create(
        user=person, issuer=issuer, subject_digest=digest, bound_by=principal.actor
    )
    payload = {"person": actor_of_user(person), "issuer": issuer}
    audit.record(verb=verb, actor=principal.actor, obj=binding, digest=digest, payload=payload)
    return binding
