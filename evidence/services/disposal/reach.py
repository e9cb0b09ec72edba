"""Which blobs hold something of a trace, and what is left of each without it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from evidence.models import Binder, System
from evidence.redaction import Subject
from evidence.services.disposal.blob_plans import BlobPlan, Found, Looks
from evidence.services.disposal.bodies import plan_bodies
from evidence.services.disposal.files import plan_files
from evidence.services.disposal.values import find_values, plan_values


def plan_blobs(
    system: System,
    trace_id: UUID,
    *,
    words: Sequence[str],
    shared: Sequence[tuple[str, UUID]],
    gone: Collection[UUID],
    refused: Sequence[int],
    looks: Looks,
) -> list[Found]:
    """Return what becomes of each blob that holds something of a trace.

    Args:
        words: texts that only this trace has.
        shared: texts of it that another trace has, with that trace.
        gone: traces of the system that are erased before this one.
        refused: keys of refused items that are erased as copies.
    """
    subject = Subject(trace_id, tuple(words))
    bodies = plan_bodies(system, subject, looks, gone=gone, refused=refused)
    found: list[Found] = [
        *bodies.found,
        *plan_files(system, subject, shared, looks, gone=gone, refused=refused),
    ]
    going = {one.digest for one in found if isinstance(one, BlobPlan)}
    values = find_values(system, trace_id, refused) | bodies.values
    return [
        *plan_values(values, system, but=[trace_id, *gone], but_refused=refused, going=going),
        *found,
    ]


def binders_with(traces: Iterable[Any]) -> list[str]:
    """Return the exported binders whose scope covers a revision of the trace."""
    names: set[str] = set()
    for trace in traces:
        covering = Binder.objects.filter(
            system=trace.system_id,
            period_from__lte=trace.started_at,
            period_to__gt=trace.started_at,
            as_of__gte=trace.sealed_at,
        )
        names.update(covering.values_list("file_name", flat=True))
    return sorted(names)
