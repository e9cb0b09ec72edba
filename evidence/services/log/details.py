"""The details of events, which can be erased: those there are what was committed to, all others went on record."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.db.models import Max, Q, QuerySet

from evidence.models import AuditEvent, AuditPayload, Pseudonym
from evidence.services.log.ended import Faults
from evidence.services.log.payloads import NEVER, read_erased

_READ_CHUNK: Final = 2_000  # rows held in memory
# Of what an erasure of a trace takes the details, and where the row says which trace it is of.
_OF_A_TRACE: Final = {
    "evidence.Trace": ("system_id", "trace_id"),
    "evidence.ReviewTask": ("trace__system_id", "trace__trace_id"),
    "evidence.Review": ("task__trace__system_id", "task__trace__trace_id"),
    "evidence.Adjudication": ("task__trace__system_id", "task__trace__trace_id"),
    "evidence.GoldAnswer": ("task__trace__system_id", "task__trace__trace_id"),
    "evidence.GoldJudgement": ("task__trace__system_id", "task__trace__trace_id"),
    "evidence.Reject": ("system_id", "trace_id"),
}


def check_details(faults: Faults, since: int = 0) -> int:
    """Open the details that are there with their salts, and see that the others were erased; return how many those are.

    Args:
        since: events from this place of the log on.
    """
    _open_each(faults, _from(AuditPayload.objects.all(), since, "event__"))
    committed = _from(AuditEvent.objects.exclude(payload_commitment=""), since)
    gone = committed.filter(payload__isnull=True).order_by("pk")
    events = list(gone.values_list("event_uuid", "verb", "object_type", "object_id", "xact_id"))
    erased = _erased_objects({(kind, key) for _, _, kind, key, _ in events})
    names = AuditEvent.objects.filter(verb="person.names_erased").aggregate(last=Max("xact_id"))["last"]
    for event, verb, kind, key, transaction in events:
        # Whose membership it was is not told any more: an erasure of names since then accounts for it.
        went_with_names = verb.startswith("membership.") and names is not None and names >= (transaction or 0)
        if went_with_names or erased.get((kind, key), NEVER) >= (transaction or 0):
            continue
        faults.add(
            f"Event {event}: its details were deleted, and no erasure says so: transaction {transaction}."
        )
    return len(events)


def _from(rows: QuerySet[Any], since: int, of: str = "") -> QuerySet[Any]:
    later = Q(**{f"{of}leaf__seq__gte": since}) | Q(**{f"{of}leaf__isnull": True})
    return rows.filter(later) if since else rows


def _open_each(faults: Faults, rows: QuerySet[AuditPayload]) -> None:
    columns = ("salt", "payload", "event__payload_commitment", "event__event_uuid")
    for salt, payload, commitment, event in rows.values_list(*columns).iterator(_READ_CHUNK):
        if hashlib.sha256(b"\x00" + bytes(salt) + bytes(payload)).hexdigest() != commitment:
            faults.add(f"Event {event}: its payload is not what the log commits to.")


def _erased_objects(objects: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Return those objects, by label and key, whose events' details an erasure on record took, with its transaction.

    What was told of them later is accounted for by no earlier erasure.
    """
    by_kind: dict[str, set[str]] = {}
    for kind, key in objects:
        by_kind.setdefault(kind, set()).add(key)
    traces = {(system, trace.hex): last for (system, trace), last in read_erased().items()}
    of_any: dict[str, int] = {}  # where the system cannot be told
    for (_, trace), last in traces.items():
        of_any[trace] = max(last, of_any.get(trace, NEVER))
    found = {}
    for kind, (system, trace) in _OF_A_TRACE.items():
        rows: QuerySet[Any] = apps.get_model(kind)._default_manager.filter(pk__in=by_kind.get(kind, ()))
        for key, of_system, of_trace in rows.values_list("pk", system, trace):
            named = of_trace if isinstance(of_trace, str) else of_trace.hex
            found[kind, str(key)] = (
                of_any.get(named, NEVER) if of_system is None else traces.get((of_system, named), NEVER)
            )
    return found | _erased_names()


def _erased_names() -> dict[tuple[str, str], int]:
    """Return the pseudonyms and accounts whose names were erased, with the transaction that did."""
    erasures = AuditEvent.objects.filter(verb="person.names_erased").values_list("object_id")
    last = dict(erasures.annotate(last=Max("xact_id")))
    found = {}
    for actor, user in Pseudonym.objects.filter(pk__in=last).values_list("pk", "user_id"):
        found[Pseudonym._meta.label, actor] = found[settings.AUTH_USER_MODEL, str(user)] = last[actor] or 0
    return found
