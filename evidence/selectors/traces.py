"""Reading traces: which are current, and which relied on what."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Prefetch, QuerySet, Subquery, TextChoices

from evidence.models import ArtefactVersion, Claim, QueuedTask, ReviewTask, Trace, TraceDocument, TraceVersion
from evidence.selectors.citations import citations_of_claims
from evidence.selectors.review_tasks import queued_for
from evidence.selectors.revisions import is_superseded


class ReviewState(TextChoices):
    """What has become of a trace's review."""

    NONE = "none"  # nobody was asked
    OPEN = "open"  # as `selectors.review_tasks` says
    DONE = "done"


def current_traces() -> QuerySet[Trace]:
    """Return the highest revision of every trace. Costs one index probe for each trace that is read."""
    return Trace.objects.select_related("system", "release").filter(~is_superseded())


def relied_on_document(queryset: QuerySet[Trace], digest: str, *, cited_only: bool = True) -> QuerySet[Trace]:
    """Narrow to the traces that relied on a document of this digest, in whichever index version."""
    relied = TraceDocument.objects.filter(digest=digest)
    if cited_only:
        relied = relied.filter(cited=True)
    return _up_to_the_last(queryset, relied)


def used_version(queryset: QuerySet[Trace], versions: QuerySet[ArtefactVersion]) -> QuerySet[Trace]:
    """Narrow to the traces that used one of these versions, in any slot."""
    keys = list(versions.values_list("pk", flat=True))
    return _up_to_the_last(queryset, TraceVersion.objects.filter(version__in=keys))


def _up_to_the_last(queryset: QuerySet[Trace], uses: QuerySet[Any]) -> QuerySet[Trace]:
    """Narrow to the traces among `uses`, beginning where the last of them is.

    PostgreSQL reads the newest traces first until a page is full. That something was last used long ago is in no
    statistics, and it would read, and drop, all traces since; so it is told where to begin.
    """
    # Unknown to the planner, so it corrects for nothing.
    last = Subquery(uses.order_by("-trace").values("trace")[:1])
    return queryset.filter(Exists(uses.filter(trace=OuterRef("pk"))), pk__lte=last)


def in_review_state(queryset: QuerySet[Trace], state: ReviewState, user: User | None) -> QuerySet[Trace]:
    """Narrow to the traces nobody was asked about, those that wait for a reviewer, or those that do not any more.

    Args:
        user: who is told; None: no person.
    """
    asked = Exists(ReviewTask.objects.filter(trace=OuterRef("pk")))
    waits = Exists(queued_for(user).filter(task__trace=OuterRef("pk"), stage=QueuedTask.Stage.JUDGE))
    conditions = {ReviewState.NONE: ~asked, ReviewState.OPEN: waits, ReviewState.DONE: asked & ~waits}
    return queryset.filter(conditions[state])


def traces_in_full() -> QuerySet[Trace]:
    """Return traces with everything assembled from them, in a fixed number of queries."""
    return Trace.objects.select_related("system", "release", "facts").prefetch_related(
        Prefetch("claims", Claim.objects.order_by("ordinal").prefetch_related(citations_of_claims())),
        Prefetch(
            "versions", TraceVersion.objects.select_related("version__artefact", "version__registration")
        ),
        Prefetch("documents", TraceDocument.objects.order_by("-cited", "digest")),
        "retrievals",
        "policy_checks",
        "tool_calls",
    )


def turns_of(trace: Trace) -> list[tuple[int, str, str]]:
    """Return number, question and answer of each turn; a trace from before turns were told, or erased, has one."""
    if not isinstance(trace.exchanges, list) or not trace.exchanges:
        return [(0, trace.question, trace.answer)]
    return [(turn["number"], turn["question"]["text"], turn["answer"]["text"]) for turn in trace.exchanges]
