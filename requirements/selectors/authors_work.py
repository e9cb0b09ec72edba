"""What waits for an author among their versions: drafts that nobody was asked to approve, and what came back."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from evidence.actors import actors_of
from requirements.models import RequirementState, RequirementTransition, RequirementVersion
from requirements.selectors.requirements import with_state


class AuthorsWork(StrEnum):
    """Why a draft waits for its author."""

    UNPROPOSED = "unproposed"  # nobody was asked to approve it, or its author took it back
    SENT_BACK = "sent_back"  # somebody else sent it back


def drafts_waiting_for(
    versions: QuerySet[RequirementVersion], person: User, why: AuthorsWork
) -> QuerySet[Any]:
    """Return the drafts among these that wait for a person, who wrote them or asked for their approval.

    A draft that a newer version of the same requirement overtook waits for nobody. Adds `since`, when it became one.
    """
    mine = actors_of(person)
    last = RequirementTransition.objects.filter(version=OuterRef("pk")).order_by("-at", "-pk")
    asked = RequirementTransition.objects.filter(to_state=RequirementState.IN_REVIEW, by__in=mine)
    newer = RequirementVersion.objects.filter(
        requirement=OuterRef("requirement"), number__gt=OuterRef("number")
    )
    own = versions.filter(Q(proposed_by__in=mine) | Q(pk__in=asked.values("version")))
    drafts = with_state(own).filter(~Exists(newer), state_now=RequirementState.DRAFT)
    told: QuerySet[Any] = drafts.annotate(
        since=Subquery(last.values("at")[:1]), moved_by=Subquery(last.values("by")[:1])
    )
    if why is AuthorsWork.SENT_BACK:
        return told.exclude(moved_by__in=mine)
    return told.filter(moved_by__in=mine)
