"""Reading traces: which are current, and which relied on what."""

from __future__ import annotations

from django.db.models import (
    Count,
    Exists,
    F,
    FilteredRelation,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    TextChoices,
)
from django.db.models.functions import Coalesce

from evidence.models import ArtefactVersion, Claim, Review, ReviewTask, Trace, TraceDocument, TraceVersion


class ReviewState(TextChoices):
    """What has become of a trace's review."""

    NONE = "none"  # nobody was asked
    OPEN = "open"  # fewer people have reviewed it than are required
    DONE = "done"


def current_traces() -> QuerySet[Trace]:
    """Return the highest revision of every trace. Costs one index probe for each trace that is read."""
    later = Trace.objects.filter(
        system=OuterRef("system"), trace_id=OuterRef("trace_id"), revision__gt=OuterRef("revision")
    )
    return Trace.objects.select_related("system", "release").filter(~Exists(later))


def relied_on_document(queryset: QuerySet[Trace], digest: str, *, cited_only: bool = True) -> QuerySet[Trace]:
    """Narrow to the traces that relied on a document of this digest, in whichever index version.

    (digest, trace) is unique, so PostgreSQL walks that index, newest first, and stops when the page is full.
    """
    relied = TraceDocument.objects.filter(trace=OuterRef("pk"), digest=digest)
    return queryset.filter(Exists(relied.filter(cited=True) if cited_only else relied))


def used_version(queryset: QuerySet[Trace], digest: str) -> QuerySet[Trace]:
    """Narrow to the traces that used a version of this digest, in any slot.

    A join and not EXISTS: with the version's key known, PostgreSQL walks (version, trace) newest first, however
    long ago the version was last used. A version in two slots of a trace counts in the first.
    """
    versions = list(ArtefactVersion.objects.filter(digest=digest).values_list("pk", flat=True))
    used = queryset.annotate(
        use=FilteredRelation("versions", condition=Q(versions__version__in=versions))
    ).filter(use__isnull=False)
    earlier = TraceVersion.objects.filter(
        trace=OuterRef("pk"), version__in=versions, pk__lt=OuterRef("use__pk")
    )
    return used.filter(~Exists(earlier))


def in_review_state(queryset: QuerySet[Trace], state: ReviewState) -> QuerySet[Trace]:
    """Narrow to the traces nobody was asked about, those that wait for a reviewer, or those that do not any more."""
    tasks = ReviewTask.objects.filter(trace=OuterRef("pk"))
    if state is ReviewState.NONE:
        return queryset.filter(~Exists(tasks))
    n_reviews = Review.objects.filter(task=OuterRef("pk")).order_by().values("task").annotate(n=Count("pk"))
    counted = tasks.annotate(n_reviews=Coalesce(Subquery(n_reviews.values("n")), 0))
    waiting = Q(n_reviews__lt=F("reviews_required"))
    return queryset.filter(Exists(counted.filter(waiting if state is ReviewState.OPEN else ~waiting)))


def traces_in_full() -> QuerySet[Trace]:
    """Return traces with everything assembled from them, in a fixed number of queries."""
    return Trace.objects.select_related("system", "release").prefetch_related(
        Prefetch("claims", Claim.objects.order_by("ordinal").prefetch_related("citations__found_in")),
        Prefetch(
            "versions", TraceVersion.objects.select_related("version__artefact", "version__registration")
        ),
        Prefetch("documents", TraceDocument.objects.order_by("-cited", "digest")),
        "retrievals",
        "policy_checks",
        "tool_calls",
    )
