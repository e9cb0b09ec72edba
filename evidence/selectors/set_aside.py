"""Traces that were set aside and have not been sealed since: evidence that is missing."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet, UUIDField
from django.db.models.functions import Cast

from evidence.clock import AsOf
from evidence.models import Reject, Trace
from evidence.vocabulary import RejectSource


def still_set_aside(as_of: AsOf) -> QuerySet[Reject]:
    """Return the last reject of each trace that was set aside by then and not sealed between that and then."""
    rejects = Reject.objects.filter(as_of.knew("created_at"), source=RejectSource.TRACE)
    later = rejects.filter(
        system_id=OuterRef("system_id"), trace_id=OuterRef("trace_id"), pk__gt=OuterRef("pk")
    )
    sealed = Trace.objects.filter(
        as_of.knew("sealed_at"),
        system_id=OuterRef("system_id"),
        trace_id=OuterRef("of_trace"),
        sealed_at__gt=OuterRef("created_at"),
    )
    return rejects.annotate(of_trace=Cast("trace_id", UUIDField())).filter(~Exists(later), ~Exists(sealed))
