"""Reading traces."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from evidence.models import Claim, Trace, TraceVersion


def current_traces() -> QuerySet[Trace]:
    """Return the highest revision of every trace."""
    later = Trace.objects.filter(
        system=OuterRef("system"), trace_id=OuterRef("trace_id"), revision__gt=OuterRef("revision")
    )
    return Trace.objects.select_related("system", "release").filter(~Exists(later))


def traces_in_full() -> QuerySet[Trace]:
    """Return traces with everything assembled from them, in a fixed number of queries."""
    return Trace.objects.select_related("system", "release").prefetch_related(
        Prefetch("claims", Claim.objects.order_by("ordinal").prefetch_related("citations__found_in")),
        Prefetch(
            "versions", TraceVersion.objects.select_related("version__artefact", "version__registration")
        ),
        "retrievals",
        "policy_checks",
        "tool_calls",
    )
