"""What waits for an author among their versions: drafts that nobody was asked to approve, and what came back."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet, Subquery

from evidence.actors import all_actors_of
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
    mine = all_actors_of(person)
    moves = RequirementTransition.objects.filter(version=OuterRef("pk"))
    last = moves.order_by("-at", "-pk")
    asked = moves.filter(to_state=RequirementState.IN_REVIEW, by__in=mine)
    newer = RequirementVersion.objects.filter(
        requirement=OuterRef("requirement"), number__gt=OuterRef("number")
    )
    drafts = with_state(versions).filter(~Exists(newer), state_now=RequirementState.DRAFT)
    own = drafts.filter(proposed_by__in=mine) | drafts.filter(Exists(asked))
    told: QuerySet[Any] = own.annotate(
        since=Subquery(last.values("at")[:1]), moved_by=Subquery(last.values("by")[:1])
    )
    if why is AuthorsWork.SENT_BACK:
        return told.exclude(moved_by__in=mine)
    return told.filter(moved_by__in=mine)
