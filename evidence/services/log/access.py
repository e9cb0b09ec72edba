"""Who may do what, compared with the record: what gives somebody access may change, and each change is an event.

Memberships, tokens, accounts with their roles and passwords, second factors and groups are not bound as evidence is, so
whoever owns the database can give somebody access behind the log's back. A row that no event tells of, or of which the
last event tells something else, is a fault. Details that were erased tell nothing, and of an account of before such
events, which has a lower number than any that an event adds, nothing tells. What is not compared, and why:
docs/reference/log-attacks.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import QuerySet

from evidence.models import AccessToken, AuditEvent, AuditPayload, Membership, Pseudonym, SecondFactor
from evidence.roles import find_groups_beyond_the_table, rights_of
from evidence.selectors.people import factor_fact, facts_of

_READ_CHUNK: Final = 2_000  # rows held in memory
_OF_PERSONS: Final = ("person.added", "person.changed")
_OF_PASSWORDS: Final = ("password.chosen", "password.changed", "password.rehashed", "password_link.made")
_NAMES_ERASED: Final = "person.names_erased"
_FACTS: Final = ("roles", "active", "staff", "superuser", "permissions", "password_digest")
_FACTS_OF_PASSWORDS: Final = ("password_digest",)
_CHANGED: Final = "changed"  # the fields that events about an account name, all together
_ACCOUNT: Final = re.compile(r"[0-9]{1,10}")


def find_access_beside_the_record() -> Iterator[str]:
    """Yield a sentence for each membership, token and person that has another access than the record says."""
    yield from _find_memberships()
    yield from _find_tokens()
    yield from _find_persons()
    yield from _find_factors()
    yield from find_groups_beyond_the_table()


def _find_memberships() -> Iterator[str]:
    told = _last_of(Membership._meta.label, "membership.granted", "membership.ended")
    for membership in Membership.objects.order_by("pk").select_related("system").iterator(_READ_CHUNK):
        event = told.get(str(membership.pk))
        if event is None or event.verb != "membership.granted" or event.system_id != membership.system_id:
            yield f"No event gives account {membership.user_id} the membership of {membership.system.key} it has."
        elif not _is_of(_details(event).get("person"), membership.user_id):
            yield f"Event {event.event_uuid} gives membership {membership.pk} to another person than has it."
    there = {str(key) for key in Membership.objects.values_list("pk", flat=True)}
    for key, event in told.items():
        if event.verb == "membership.granted" and key not in there:
            yield f"Membership {key}, which event {event.event_uuid} gives, is gone, and no event ends it."


def _find_tokens() -> Iterator[str]:
    issued = _last_of(AccessToken._meta.label, "token.issued")
    revoked = _last_of(AccessToken._meta.label, "token.revoked")
    there = {str(key) for key in AccessToken.objects.values_list("pk", flat=True)}
    for key in issued.keys() - there:
        yield f"Token {key}, which event {issued[key].event_uuid} issues, is gone: none is ever deleted."
    for token in AccessToken.objects.order_by("pk").prefetch_related("systems").iterator(_READ_CHUNK):
        event = issued.get(str(token.pk))
        if event is None:
            yield f"No event issues token {token.prefix}."
            continue
        now = {
            "scopes": sorted(token.scopes),
            "systems": sorted(system.key for system in token.systems.all()),
            "expires_at": token.expires_at.isoformat(),
            "secret_digest": token.secret_digest,
            "is_own": token.is_own,
        }
        told = {name: _sorted(value) for name, value in _details(event).items() if name in now}
        others = sorted(name for name, value in told.items() if value != now[name])
        if token.is_own and not _is_by(event, token.owner_id):  # somebody else read its text
            others.append("is_own")
        if not _is_of(_details(event).get("owner"), token.owner_id):
            others.append("owner")
        if (str(token.pk) in revoked) != (token.revoked_at is not None):
            others.append("revoked_at")
        if others:
            yield f"Token {token.prefix} has another {', '.join(others)} than its events say."


def _find_persons() -> Iterator[str]:
    told, first = _told_of_persons(), _first_added()
    everybody = User.objects.order_by("pk").prefetch_related("groups", "user_permissions")
    for person in everybody.iterator(_READ_CHUNK):
        facts, powers = told.get(person.pk, {}), rights_of(person)
        is_later = person.is_superuser or (first is not None and person.pk > first)
        if _CHANGED not in facts and powers and is_later:
            yield f"No event puts account {person.pk} on record, which has {', '.join(powers)}."
        if others := sorted(
            name for name, value in facts_of(person).items() if _is_other(facts, name, value)
        ):
            yield f"Account {person.pk} has other {', '.join(others)} than its events say."


def _is_other(facts: Mapping[str, Any], name: str, value: object) -> bool:
    """Whether events say another. Before they said who is a superuser, they said that somebody was made one."""
    if name in facts:
        return bool(facts[name] != value)
    return (
        name == "superuser" and value is True and "is_superuser" not in facts.get(_CHANGED, ["is_superuser"])
    )


def _told_of_persons() -> dict[int, dict[str, Any]]:
    """Return what events say last of each account, as far as they say it, and which fields they say were changed.

    What was said in details that are gone is not said any more; whose names were erased has no way in.
    """
    accounts = dict(Pseudonym.objects.values_list("actor", "user_id"))
    told: dict[int, dict[str, Any]] = {}
    events = AuditEvent.objects.filter(verb__in=[*_OF_PERSONS, *_OF_PASSWORDS, _NAMES_ERASED])
    columns = ("verb", "object_id", "payload__payload")
    for verb, key, payload in events.order_by("pk").values_list(*columns).iterator(_READ_CHUNK):
        account = accounts.get(key) if verb == _NAMES_ERASED else _account_in(key)
        if account is not None:
            told[account] = _told_next(told.get(account, {}), verb, _read_details(payload))
    return told


def _told_next(before: Mapping[str, Any], verb: str, details: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of an account after one more event about it."""
    if verb == _NAMES_ERASED:
        return {_CHANGED: before.get(_CHANGED, []), "active": False}
    names = _FACTS if verb in _OF_PERSONS else _FACTS_OF_PASSWORDS
    told = {name: value for name, value in before.items() if name not in names}
    told |= {name: details[name] for name in names if name in details}
    if verb in _OF_PERSONS:
        told[_CHANGED] = [*before.get(_CHANGED, []), *details.get("changed", [])]
    return told


def _first_added() -> int | None:
    """Return the first account that an event puts on record: those of before it have lower numbers."""
    added = AuditEvent.objects.filter(verb="person.added", object_type=User._meta.label)
    accounts = (_account_in(key) for key in added.values_list("object_id", flat=True))
    return min((account for account in accounts if account is not None), default=None)


def _account_in(key: str) -> int | None:
    """Return the account that an event is about; None where it names none."""
    return int(key) if _ACCOUNT.fullmatch(key) else None


def _find_factors() -> Iterator[str]:
    told = _last_of(User._meta.label, "second_factor.set_up", "second_factor.removed")
    factors = {str(factor.pk): factor for factor in SecondFactor.objects.all()}
    for key in sorted(factors.keys() | told.keys()):
        factor, event = factors.get(key), told.get(key)
        is_set_up = event is not None and event.verb == "second_factor.set_up"
        if (factor is not None) != is_set_up:
            yield f"Account {key} has {'a' if factor else 'no'} second factor, and its events say another."
        elif factor is not None and event is not None:
            details = _details(event)
            if any(details.get(name, value) != value for name, value in factor_fact(factor).items()):
                yield f"Account {key} has another second factor than event {event.event_uuid} says."


def _last_of(kind: str, *verbs: str) -> dict[str, AuditEvent]:
    """Return the last event of these verbs about each object of a kind, by the object's key."""
    events: QuerySet[AuditEvent] = AuditEvent.objects.filter(object_type=kind, verb__in=verbs)
    return {event.object_id: event for event in events.order_by("pk").iterator(_READ_CHUNK)}


def _details(event: AuditEvent) -> dict[str, Any]:
    """Return what an event tells besides its entry; nothing, where that was erased."""
    kept = AuditPayload.objects.filter(event=event).first()
    return _read_details(kept.payload if kept else None)


def _read_details(payload: bytes | memoryview | None) -> dict[str, Any]:
    told = json.loads(bytes(payload)) if payload else {}
    return told if isinstance(told, dict) else {}


def _is_of(actor: object, account: int) -> bool:
    """Whether an actor that details name is an account's; where they name none, nothing says otherwise."""
    if not isinstance(actor, str):
        return True
    return not Pseudonym.objects.filter(pk=actor).exclude(user_id=account).exists()


def _is_by(event: AuditEvent, account: int) -> bool:
    """Whether an account's person did what an event tells, themselves."""
    return Pseudonym.objects.filter(pk=event.actor, user_id=account).exists()


def _sorted(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value
