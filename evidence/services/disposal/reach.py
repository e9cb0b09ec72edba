"""Which blobs hold something of a trace, and what is left of each without it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from evidence.redaction import Subject
from evidence.services.disposal.at_once import AtOnce
from evidence.services.disposal.blob_plans import BlobPlan, Found, Looks
from evidence.services.disposal.bodies import plan_bodies
from evidence.services.disposal.files import plan_files
from evidence.services.disposal.values import find_values, plan_values


def plan_blobs(
    trace_id: UUID,
    read: AtOnce,
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
    bodies = plan_bodies(subject, looks, read, gone=gone, refused=refused)
    found: list[Found] = [
        *bodies.found,
        *plan_files(subject, shared, looks, read, gone=gone, refused=refused),
    ]
    going = {one.digest for one in found if isinstance(one, BlobPlan)}
    values = find_values(trace_id, read, refused) | bodies.values
    return [
        *plan_values(values, read.system, but=[trace_id, *gone], but_refused=refused, going=going),
        *found,
    ]
