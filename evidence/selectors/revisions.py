"""Which revision of an answer's trace is current."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Exists, OuterRef

from evidence.errors import NotFound
from evidence.models import System, Trace
from evidence.worded import worded


def is_superseded(trace: str = "") -> Exists:
    """Return the condition that a trace has a later revision. Costs an index probe for each row.

    Args:
        trace: where a row of the outer query names its trace, "trace" of a review task; empty: it is one.
    """
    at = f"{trace}__" if trace else ""
    return Exists(
        Trace.objects.filter(
            system=OuterRef(f"{at}system"),
            trace_id=OuterRef(f"{at}trace_id"),
            revision__gt=OuterRef(f"{at}revision"),
        )
    )


def find_later_revision(trace: Trace) -> Trace | None:
    """Return the current revision of an answer's trace, None where this is it."""
    revisions = Trace.objects.filter(system=trace.system_id, trace_id=trace.trace_id)
    return revisions.filter(revision__gt=trace.revision).order_by("-revision").first()


def find_revision(system: System, trace_id: UUID, revision: int | None = None) -> Trace:
    """Return a trace by its id, by default in its current revision.

    Raises:
        NotFound: the system has no such trace, or not that revision of it.
    """
    revisions = Trace.objects.filter(system=system, trace_id=trace_id)
    if revision is not None:
        revisions = revisions.filter(revision=revision)
    trace = revisions.select_related("system", "release").order_by("-revision").first()
    if trace is None:
        told = {"trace": trace_id.hex, "system_key": system.key}
        if revision is None:
            raise NotFound(worded("There is no trace %(trace)s in %(system_key)s.", **told))
        raise NotFound(
            worded(
                "There is no revision %(revision)s of trace %(trace)s in %(system_key)s.",
                revision=revision,
                **told,
            )
        )
    return trace
