"""The large values of a trace, which other traces may share."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from uuid import UUID

from evidence import locks
from evidence.models import Reject, System
from evidence.otlp.values import find_moved
from evidence.services.blobs import blob_path
from evidence.services.disposal.at_once import AtOnce
from evidence.services.disposal.blob_plans import BlobPlan, Role, Stay, called
from evidence.services.disposal.uses import find_other_use, say_shared_with, why_kept
from evidence.services.moved_values import find_user_of_value
from evidence.worded import worded


def find_values(trace_id: UUID, read: AtOnce, copies: Sequence[int] = ()) -> set[str]:
    """Return the digests of values that ingest moved out of the trace's spans, the refused ones included.

    What a row names and its own request did not bring is none.

    Args:
        copies: keys of refused spans without a trace that hold words of it.
    """
    named = [*read.values_named_by(trace_id)]
    if copies:
        items = Reject.objects.filter(pk__in=copies, batch__isnull=False).values_list("batch_id", "item")
        named += [(batch_id, set(find_moved(item))) for batch_id, item in items]
    moved = read.moved({batch_id for batch_id, digests in named if digests})
    return {digest for batch_id, digests in named for digest in digests if moved[batch_id].may_have(digest)}


def plan_values(
    digests: Collection[str],
    system: System,
    *,
    but: Sequence[UUID],
    but_refused: Sequence[int],
    going: Collection[str],
) -> Iterator[BlobPlan | Stay]:
    """Yield what becomes of each value of a trace.

    Args:
        but: the trace, and those of the system that are erased before it.
        but_refused: keys of refused spans that are erased as copies.
        going: blobs that go as something else.
    """
    locks.hold_each(
        locks.Lock.BLOB, ((digest,) for digest in digests)
    )  # who brings one is either seen or waits
    for digest in sorted(digests):
        if digest in going or not blob_path(digest).exists():
            continue
        user = find_user_of_value(digest, but=(system.pk, but), but_refused=but_refused)
        if user is not None:
            yield Stay(called(Role.VALUE, digest), say_shared_with(system, *user))
        elif why := why_kept(digest, system):
            yield Stay(called(Role.VALUE, digest), why)
        elif use := find_other_use(digest):
            yield Stay(called(Role.VALUE, digest), worded("the same bytes are %(use)s", use=use))
        else:
            yield BlobPlan(Role.VALUE, digest)
