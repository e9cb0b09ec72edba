"""Refused items of a trace."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import Q, QuerySet

from evidence.models import Reject, System


def refused_of(system: System, trace_id: UUID) -> QuerySet[Reject]:
    """Return the refused items of a trace; where its system cannot be told, it is of any its request had."""
    return refused_of_any(system, [trace_id])


def refused_of_any(system: System, trace_ids: Collection[UUID]) -> QuerySet[Reject]:
    """Return the refused items of some traces, likewise."""
    names = [trace_id.hex for trace_id in trace_ids]
    return Reject.objects.filter(
        Q(system=system, trace_id__in=names)
        | Q(system=None, batch__system_ids__contains=[system.pk], trace_id__in=names)
    )
