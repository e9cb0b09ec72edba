"""Erasing what a person is called. What they did stays, under a pseudonym that then leads to nobody."""

from __future__ import annotations

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import transaction

from evidence import acts
from evidence.access import Principal
from evidence.digests import canonical_json
from evidence.models import AuditPayload, Pseudonym
from evidence.services import audit
from evidence.services.people.pseudonyms import ensure_pseudonym
from evidence.services.people.tokens import end_own_tokens
from evidence.services.review_queue import release_held


@transaction.atomic
def erase_names(*, principal: Principal, person: User) -> Pseudonym:
    """Erase the names of an account, and the details of events and notes of Django's that hold them.

    The account stays, because rows point at it: inactive, without a password, called by its pseudonym. Out of reach are
    `user:<name>` on rows and in the log from before pseudonyms, and binders that were handed out.

    Raises:
        AccessDenied: as `acts.check_can_erase_names` does.
    """
    acts.check_can_erase_names(principal, person)
    pseudonym = ensure_pseudonym(person)
    _erase_details(person, pseudonym)
    person.username = pseudonym.actor  # no form takes a colon in a user name, so nobody can have it already
    person.first_name = person.last_name = person.email = ""
    person.is_active = False
    person.set_unusable_password()
    person.save()
    end_own_tokens(person, principal.actor)
    release_held(person)
    audit.record(verb="person.names_erased", actor=principal.actor, obj=pseudonym)
    return pseudonym


def _erase_details(person: User, pseudonym: Pseudonym) -> None:
    """Delete the payloads about the account: those from before pseudonyms tell its name."""
    payloads = AuditPayload.objects.all()
    payloads.filter(event__object_type=person._meta.label, event__object_id=str(person.pk)).delete()
    payloads.filter(event__object_type=pseudonym._meta.label, event__object_id=pseudonym.actor).delete()
    membership = canonical_json({"user": person.get_username()})
    payloads.filter(event__verb__startswith="membership.", payload=membership).delete()
    notes = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(person))
    notes.filter(object_id=str(person.pk)).delete()
