"""What the front page tells a person: what waits for them, and how their systems stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django_stubs_ext import StrOrPromise

from evidence.admin.frame.display import list_url
from evidence.admin.frame.visibility import principal_of, visible
from evidence.admin.review.queue import QueueFilter, with_queue_state
from evidence.models import GateDecision, ReviewTask, Scope, System


@dataclass(frozen=True, slots=True)
class Waiting:
    """A figure of the queue and where it leads."""

    text: StrOrPromise
    count: int
    url: str


@dataclass(frozen=True, slots=True)
class Work:
    """The front page of one person."""

    waiting: tuple[Waiting, ...]
    systems: QuerySet[Any]  # with `gate_verdict` and `gate_id`, of the newest decision


def work_of(request: HttpRequest) -> Work | None:
    """Return what waits for the person, or nothing for those who see no evidence."""
    if not request.user.has_perm("evidence.view_reviewtask"):
        return None
    latest = GateDecision.objects.filter(system=OuterRef("pk")).order_by("-decided_at", "-pk")
    systems = visible(System.objects.all(), request).annotate(
        gate_verdict=Subquery(latest.values("verdict")[:1]), gate_id=Subquery(latest.values("pk")[:1])
    )
    return Work(_waiting(request), systems)


def _waiting(request: HttpRequest) -> tuple[Waiting, ...]:
    principal = principal_of(request)
    keys = (
        ["waiting", "overdue", "disputed"] if principal.may(Scope.REVIEW) else ["open", "overdue", "disputed"]
    )
    tasks = with_queue_state(visible(ReviewTask.objects.all(), request), principal.user)
    counts = tasks.aggregate(**{key: Count("pk", filter=Q(QueueFilter.STANDINGS[key][1])) for key in keys})
    return tuple(
        Waiting(QueueFilter.STANDINGS[key][0], counts[key], list_url("evidence.reviewtask", standing=key))
        for key in keys
    )
