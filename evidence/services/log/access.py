"""Who may do what, compared with the record: memberships, tokens and roles may change, and each change is an event.

Their rows are not bound as evidence is, so whoever owns the database can give somebody access behind the log's back.
A row that no event tells of, or of which the last event tells something else, is a fault. Details that were erased tell
nothing, and neither does a person of whom no event gives the roles: those came before this was put on record.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import QuerySet

from evidence.models import AccessToken, AuditEvent, AuditPayload, Membership, Pseudonym

_READ_CHUNK: Final = 2_000  # rows held in memory
_OF_PERSONS: Final = ("person.added", "person.changed")


def find_access_beside_the_record() -> Iterator[str]:
    """Yield a sentence for each membership, token and person that has another access than the record says."""
    yield from _find_memberships()
    yield from _find_tokens()
    yield from _find_roles()


def _find_memberships() -> Iterator[str]:
    told = _last_of(Membership._meta.label, "membership.granted", "membership.ended")
    for membership in Membership.objects.order_by("pk").select_related("system").iterator(_READ_CHUNK):
        event = told.get(str(membership.pk))
        if event is None or event.verb != "membership.granted" or event.system_id != membership.system_id:
            yield f"No event gives account {membership.user_id} the membership of {membership.system.key} it has."
        elif not _is_of(_details(event).get("person"), membership.user_id):
            yield f"Event {event.event_uuid} gives membership {membership.pk} to another person than has it."


def _find_tokens() -> Iterator[str]:
    issued = _last_of(AccessToken._meta.label, "token.issued")
    revoked = _last_of(AccessToken._meta.label, "token.revoked")
    for token in AccessToken.objects.order_by("pk").prefetch_related("systems").iterator(_READ_CHUNK):
        event = issued.get(str(token.pk))
        if event is None:
            yield f"No event issues token {token.prefix}."
            continue
        now = {
            "scopes": sorted(token.scopes),
            "systems": sorted(system.key for system in token.systems.all()),
            "expires_at": token.expires_at.isoformat(),
        }
        told = {name: _sorted(value) for name, value in _details(event).items() if name in now}
        others = sorted(name for name, value in told.items() if value != now[name])
        if not _is_of(_details(event).get("owner"), token.owner_id):
            others.append("owner")
        if (str(token.pk) in revoked) != (token.revoked_at is not None):
            others.append("revoked_at")
        if others:
            yield f"Token {token.prefix} has another {', '.join(others)} than its events say."


def _find_roles() -> Iterator[str]:
    told = _last_of(User._meta.label, *_OF_PERSONS)
    for person in (
        User.objects.filter(pk__in=told).order_by("pk").prefetch_related("groups").iterator(_READ_CHUNK)
    ):
        event = told[str(person.pk)]
        now = {"roles": sorted(group.name for group in person.groups.all()), "active": person.is_active}
        details = _details(event)
        if others := sorted(
            name for name, value in now.items() if name in details and details[name] != value
        ):
            yield f"Account {person.pk} has other {', '.join(others)} than event {event.event_uuid} says."


def _last_of(kind: str, *verbs: str) -> dict[str, AuditEvent]:
    """Return the last event of these verbs about each object of a kind, by the object's key."""
    events: QuerySet[AuditEvent] = AuditEvent.objects.filter(object_type=kind, verb__in=verbs)
    return {event.object_id: event for event in events.order_by("pk").iterator(_READ_CHUNK)}


def _details(event: AuditEvent) -> dict[str, Any]:
    """Return what an event tells besides its entry; nothing, where that was erased."""
    kept = AuditPayload.objects.filter(event=event).first()
    told = json.loads(bytes(kept.payload)) if kept else {}
    return told if isinstance(told, dict) else {}


def _is_of(actor: object, account: int) -> bool:
    """Whether an actor that details name is an account's; where they name none, nothing says otherwise."""
    if not isinstance(actor, str):
        return True
    return not Pseudonym.objects.filter(pk=actor).exclude(user_id=account).exists()


def _sorted(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value
