"""Answers that nobody was asked about, drawn at random for a reviewer who has time for more."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator
from typing import Final

from django.db import transaction

from evidence import acts, clock
from evidence.access import Principal
from evidence.errors import ConflictingContent
from evidence.models import ReviewTask, System, Trace
from evidence.selectors.review_tasks import is_free, waiting_for
from evidence.selectors.review_work import pause_of
from evidence.selectors.revisions import is_superseded
from evidence.services.reviews import open_review_task
from evidence.worded import worded

AT_RANDOM: Final = 5  # answers that one draw asks for
REASON: Final = "drawn_at_random"
_AMONG: Final = 10_000  # the newest answers of each system
_MOST_TRIED: Final = 200  # of those, before a draw is content with fewer


@transaction.atomic
def draw_at_random(*, principal: Principal) -> list[ReviewTask]:
    """Ask for a judgement of some of the newest answers of a reviewer's systems, each as likely as the others.

    They are drawn by the machine's own source of chance, and wait for whoever may judge them; of an answer that
    somebody was asked about nobody is asked again. What a sample says of all answers is told by a sampling plan, not by
    these.

    Raises:
        AccessDenied: as `acts.check_can_use_desk` does.
        ConflictingContent: something waits for them, or they pause.
    """
    acts.check_can_use_desk(principal)
    if pause_of(principal.person) is not None:
        raise ConflictingContent(worded("You pause: come back first."))
    now = clock.now()
    if waiting_for(principal.person).filter(is_free(principal.person, now)).exists():
        raise ConflictingContent(worded("Answers wait for you: judge those first."))
    drawn = itertools.islice(_candidates(principal), AT_RANDOM)
    return [
        open_review_task(trace=trace, reason=REASON, actor=principal.actor, asked_at=now) for trace in drawn
    ]


def _candidates(principal: Principal) -> Iterator[Trace]:
    """Yield answers that nobody was asked about and that this reviewer may judge, in an order drawn anew each time."""
    systems = System.objects.filter(memberships__user=principal.person).distinct()
    newest = [
        pk
        for system in systems
        for pk in Trace.objects.filter(system=system).order_by("-pk").values_list("pk", flat=True)[:_AMONG]
    ]
    tried = secrets.SystemRandom().sample(newest, min(len(newest), _MOST_TRIED))
    unasked = Trace.objects.filter(~is_superseded(), pk__in=tried, review_task__isnull=True)
    found = unasked.select_related("system", "release").defer("exchanges").in_bulk()
    for pk in tried:
        if pk in found and acts.can_review(principal, found[pk]):
            yield found[pk]
