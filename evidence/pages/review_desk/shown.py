"""What the desk shows of an answer: where it stands in the queue, what was answered, and what is said of it so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import uuid4

from django.http import HttpRequest

from evidence import acts
from evidence.access import Principal, visible_to
from evidence.admin.review.answer import ClaimCard, read_claims
from evidence.admin.review.conversation import read_turns, shorten_turns
from evidence.errors import EvidenceError
from evidence.models import PolicyCheck, QueuedTask, ReviewDraft, ReviewTask, SavedFilter, Trace
from evidence.pages.refusals import refusal_detail
from evidence.pages.review_desk.address import address_of
from evidence.pages.review_desk.dispute import compare_reviews
from evidence.pages.review_desk.judgement import (
    ask_of_claim,
    beside_current,
    compare_correction,
    decision_choices,
    is_too_long,
    reason_choices,
)
from evidence.pages.review_desk.looking import Looking
from evidence.pages.review_desk.source import chosen_claim
from evidence.pages.review_desk.tabs import pane_context
from evidence.selectors.queue_places import place_in_queue
from evidence.selectors.review_tasks import (
    find_held_by_another,
    find_task,
    waiting_for,
    waits_to_be_settled,
)
from evidence.selectors.review_work import narrowed

_MOST_ASKED: Final = 4_000  # characters of a question beside its answer
_MOST_SAID: Final = 20_000  # characters of an answer


def show_answer(
    request: HttpRequest,
    principal: Principal,
    trace: Trace,
    *,
    by: SavedFilter | None,
    sent: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return what the page of an answer shows.

    Args:
        by: the filter by which this person takes answers.
        sent: what a form said that was refused; None: the draft tells what was said.

    Raises:
        InvalidInput: the address names a claim or a tab that there is not.
    """
    cards = read_claims(trace)
    looking = Looking(request, principal, trace, cards, chosen_claim(request, cards))
    draft = visible_to(ReviewDraft.objects.filter(trace=trace), principal).first()
    said: Mapping[str, Any] = sent or (draft.said if draft else {})
    task = find_task(trace, principal.person)
    return {
        "trace": trace,
        **_in_the_queue(principal, trace, task, by),
        **_who_judges(principal, trace, task, cards),
        **_what_was_answered(trace, cards),
        **_what_is_said(looking, said),
        **_the_draft(draft),
        **pane_context(looking),
    }


def _in_the_queue(
    principal: Principal, trace: Trace, task: ReviewTask | None, by: SavedFilter | None
) -> dict[str, Any]:
    """Return where the answer stands among those that are taken."""
    settles = task is not None and waits_to_be_settled(task)
    rows = waiting_for(principal.person, QueuedTask.Stage.SETTLE if settles else QueuedTask.Stage.JUDGE)
    place = place_in_queue(rows if by is None or settles else narrowed(rows, by), trace)
    return {"place": place, "before_url": "" if place.before is None else address_of(place.before)}


def _who_judges(
    principal: Principal, trace: Trace, task: ReviewTask | None, cards: Sequence[ClaimCard]
) -> dict[str, Any]:
    """Return whether this person may judge or settle, who is at it in their place, and what there is to settle."""
    refusal = _refusal(principal, trace, task)
    taken = find_held_by_another(task, principal.person) if task is not None and not refusal else None
    settles = task is not None and waits_to_be_settled(task) and not (refusal or taken)
    dispute = compare_reviews(trace, principal, cards) if settles else None
    return {"task": task, "refusal": refusal, "taken": taken, "dispute": dispute}


def _what_was_answered(trace: Trace, cards: Sequence[ClaimCard]) -> dict[str, Any]:
    versions = trace.versions.select_related("version__artefact", "version__registration")
    return {
        "turns": shorten_turns(read_turns(trace, cards), asked=_MOST_ASKED, said=_MOST_SAID),
        "flags": trace.flags,
        "checks": trace.policy_checks.exclude(decision=PolicyCheck.Decision.ALLOW).order_by("pk"),
        "versions": versions.order_by("slot"),
    }


def _what_is_said(looking: Looking, said: Mapping[str, Any]) -> dict[str, Any]:
    trace, current = looking.trace, looking.claim
    claims = [ask_of_claim(trace, card, said, is_current=card is current) for card in looking.cards]
    return {
        "claims": claims,
        "current": current,
        **beside_current(claims),
        "said": said,
        "decisions": decision_choices(said),
        "reasons": reason_choices(trace, said),
        "corrected": said.get("corrected_answer") or trace.answer,
        "difference": compare_correction(trace, said),
        "is_too_long": is_too_long(trace, said),
    }


def _the_draft(draft: ReviewDraft | None) -> dict[str, Any]:
    """Return the draft, and by what a save tells whether another window wrote since this one was opened."""
    return {
        "draft": draft,
        "draft_read": draft.saved_at.isoformat() if draft else "",
        "is_decided": draft is not None and draft.takes_effect_at is not None,
        "opened_as": uuid4(),
    }


def _refusal(principal: Principal, trace: Trace, task: ReviewTask | None) -> str:
    """Say why this person can neither judge the answer now nor settle what is said of it; empty where they can."""
    try:
        if task is not None and waits_to_be_settled(task):
            acts.check_can_adjudicate(principal, task)
        else:
            acts.check_can_review(principal, trace)
    except EvidenceError as exc:
        return refusal_detail(exc)
    return ""
