"""Services that are part of a system: declared by an operator, because what a token writes where depends on it."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from evidence import acts, locks
from evidence.access import Principal
from evidence.errors import ConflictingContent, InvalidInput
from evidence.models import ServiceName, System
from evidence.services import audit
from evidence.texts import check_texts
from evidence.worded import worded


@transaction.atomic
def declare_service(*, principal: Principal, system: System, name: str, is_part: bool) -> ServiceName:
    """Say that the service of a name is part of a system, or is no more; what stands already is answered with its row.

    From then on its spans are the system's, where their token may write to it. What was refused stays refused.

    Args:
        name: as its resource says in `service.name`.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_declare_service` does.
        InvalidInput: an empty name or one that no row can hold, or a service withdrawn that was never declared.
        ConflictingContent: a system has this key.
    """
    acts.check_can_declare_service(principal, system)
    if not name.strip():
        raise InvalidInput(worded("A service has a name: give its service.name."))
    check_texts(ServiceName, name=name)
    locks.hold(locks.Lock.SERVICE, name)
    if is_part and System.objects.filter(key=name).exists():
        raise ConflictingContent(
            worded("%(name)s is the key of a system: its spans are that system's.", name=repr(name))
        )
    standing = ServiceName.objects.filter(system=system, name=name).order_by("-pk").first()
    if standing is not None and standing.is_part == is_part:
        return standing
    if standing is None and not is_part:
        raise InvalidInput(
            worded(
                "Service %(name)s was never declared to be part of %(system_key)s.",
                name=repr(name),
                system_key=repr(system.key),
            )
        )
    row = ServiceName.objects.create(system=system, name=name, is_part=is_part, declared_by=principal.actor)
    verb = "service.declared" if is_part else "service.withdrawn"
    audit.record(verb=verb, actor=principal.actor, obj=row, system=system)
    return row


def is_service_of_any(name: str) -> bool:
    """Whether the service of a name is part of some system, by the latest word of each."""
    latest = ServiceName.objects.filter(name=name).order_by("system_id", "-pk").distinct("system_id")
    return any(latest.values_list("is_part", flat=True))


def systems_of_services(system_ids: Iterable[int]) -> dict[str, set[int]]:
    """Return the services that are part of any of these systems, each with those it is part of."""
    declared = ServiceName.objects.filter(system__in=set(system_ids))
    latest = declared.order_by("name", "system", "-pk").distinct("name", "system")
    found: dict[str, set[int]] = {}
    for name, system_id, is_part in latest.values_list("name", "system", "is_part"):
        if is_part:
            found.setdefault(name, set()).add(system_id)
    return found


def services_of(system: System) -> list[str]:
    """Return the names of the services that are part of a system, beside its key."""
    latest = ServiceName.objects.filter(system=system).order_by("name", "-pk").distinct("name")
    return [name for name, is_part in latest.values_list("name", "is_part") if is_part]
