"""Refused items of a trace."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet

from evidence.models import Reject, System


def refused_of(system: System, trace_id: UUID) -> QuerySet[Reject]:
    """Return the refused items of a trace; where its system cannot be told, it is of any its request had."""
    return Reject.objects.filter(
        Q(system=system, trace_id=trace_id.hex)
        | Q(system=None, batch__system_ids__contains=[system.pk], trace_id=trace_id.hex)
    )
