"""What a reviewer is about to say: kept as they write, taken back for a while once decided, and then on record."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.db import OperationalError, transaction

from evidence import acts, clock
from evidence.access import Principal, principal_of_user
from evidence.errors import ConflictingContent, EvidenceError, InvalidInput, NotFound
from evidence.models import Adjudication, QueuedTask, Review, ReviewDraft, ReviewTask, Trace
from evidence.selectors.gold import find_judged
from evidence.selectors.review_tasks import find_disputed
from evidence.services import review_queue, reviews
from evidence.services.gold_judgements import record_judgement
from evidence.worded import worded

logger = logging.getLogger(__name__)

# What a draft may say, with the kind of each: as `reviews.record_review` and `reviews.adjudicate` take it.
SAID: Final[Mapping[str, type]] = {
    "decision": str,
    "reason_code": str,
    "reason": str,
    "rationale": str,
    "corrected_answer": str,
    "claims": dict,
}
_MOST_DIGITS: Final = 9  # of an ordinal
BATCH: Final = 50  # decided ones that a call puts on record


class Opened(NamedTuple):
    """A page of an answer that somebody has open, of which they may have several."""

    page: str  # as no other is called; empty: what is written comes of no page
    read: datetime | None  # when the draft that it was filled with was saved; None: there was none


@transaction.atomic
def save_draft(
    *, principal: Principal, trace: Trace, said: Mapping[str, Any], opened: Opened | None = None
) -> ReviewDraft:
    """Keep what a reviewer has written so far, and the answer in their hands; nothing of it need be whole.

    Args:
        opened: the page that saves by itself, which replaces nothing that another has saved since it was opened; None:
            somebody said to save it, whatever stands.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as `acts.check_can_use_desk` and `acts.check_can_review` do, or, of
            an answer that waits to be settled, `acts.check_can_adjudicate`.
        ConflictingContent: they have decided, and have to take that back first; they have written in another page
            since.
        InvalidInput: something is said that no review says.
    """
    acts.check_can_use_desk(principal)
    disputed = find_disputed(trace, principal.person)
    if disputed is None:
        acts.check_can_review(principal, trace)
    else:
        acts.check_can_adjudicate(principal, disputed)
    _check_said(said)
    draft = _own(principal, trace)
    if draft is not None and draft.takes_effect_at is not None:
        raise ConflictingContent(worded("You have decided on this answer: take that back to change it."))
    if opened is not None and draft is not None and not _has_read(opened, draft):
        raise ConflictingContent(
            worded(
                "You have written on this answer in another tab or window since this one was opened. "
                "Open the answer again to go on from there, or press Save to keep what stands here in "
                "its place.",
            )
        )
    draft = draft or _own_or_new(principal, trace)
    review_queue.hold_answer(principal=principal, trace=trace)
    written_in = opened.page if opened else ""
    return _change(draft, said=dict(said), refusal="", stage=_stage(disputed), written_in=written_in)


def _has_read(opened: Opened, draft: ReviewDraft) -> bool:
    return draft.saved_at == opened.read or (bool(opened.page) and draft.written_in == opened.page)


@transaction.atomic
def decide(*, principal: Principal, trace: Trace, said: Mapping[str, Any]) -> ReviewDraft:
    """Decide, so that it is on record once the time to take it back is over; again, that time begins anew.

    Raises:
        AccessDenied: as `acts.check_can_use_desk` does.
        AccessDenied, NotFound, ConflictingContent, InvalidInput: as `reviews.record_review` does, or, of an answer that
            waits to be settled, `reviews.adjudicate`.
    """
    acts.check_can_use_desk(principal)
    _check_said(said)
    disputed = find_disputed(trace, principal.person)
    if disputed is None:
        reviews.check_can_record(principal=principal, trace=trace, **_of_review(said))
    else:
        reviews.check_can_settle(principal=principal, task=disputed, **_of_settlement(said))
    review_queue.hold_answer(principal=principal, trace=trace)
    draft = _own_or_new(principal, trace)
    effective = clock.now() + settings.REVIEW_TAKE_BACK
    return _change(draft, said=dict(said), refusal="", takes_effect_at=effective, stage=_stage(disputed))


@transaction.atomic
def discard(*, principal: Principal, trace: Trace) -> None:
    """Throw away what this person was writing; what they have decided is taken back first.

    Raises:
        AccessDenied: as `acts.check_can_use_desk` does.
        ConflictingContent: they have decided.
    """
    acts.check_can_use_desk(principal)
    draft = _own(principal, trace)
    if draft is not None and draft.takes_effect_at is not None:
        raise ConflictingContent(worded("You have decided on this answer: take that back first."))
    ReviewDraft.objects.filter(trace=trace, reviewer=principal.person).delete()


@transaction.atomic
def take_back(*, principal: Principal, trace: Trace) -> ReviewDraft:
    """Take a decision back; what was written stays a draft.

    Raises:
        AccessDenied: as `acts.check_can_use_desk` does.
        ConflictingContent: it is on record.
        NotFound: they have decided nothing.
    """
    acts.check_can_use_desk(principal)
    draft = _own(principal, trace)
    if draft is not None and draft.takes_effect_at is not None:
        return _change(draft, takes_effect_at=None)
    if _is_on_record(principal, trace):
        raise ConflictingContent(worded("Your decision is on record. A changed mind goes to adjudication."))
    raise NotFound(worded("You have decided nothing about this answer, so there is nothing to take back."))


def _is_on_record(principal: Principal, trace: Trace) -> bool:
    reviewed = Review.objects.filter(task__trace=trace, reviewer=principal.person)
    settled = Adjudication.objects.filter(task__trace=trace, adjudicator=principal.person)
    return reviewed.exists() or settled.exists() or find_judged(principal.person, trace) is not None


def record_decided(now: datetime | None = None) -> int:
    """Put on record what was decided and not taken back in time; return how many.

    What may not be recorded any more (somebody else judged meanwhile, a later revision came) stays as a draft, with the
    reason.
    """
    due = ReviewDraft.objects.filter(takes_effect_at__lte=now or clock.now())
    keys = due.order_by("takes_effect_at").values_list("pk", flat=True)[:BATCH]
    return sum(_try_to_record(pk, now or clock.now()) for pk in keys)


def _try_to_record(pk: int, now: datetime) -> bool:
    """Record one. A fault of ours with it, of whatever kind, is logged and keeps no other from being recorded.

    Its draft stays decided, and is tried again by the next call.
    """
    try:
        return _record(pk, now)
    except OperationalError:
        raise  # the database is away: the next call finds it, or its successor does
    except Exception:
        logger.exception("The decision of draft %s was not recorded.", pk)
        return False


@transaction.atomic
def _record(pk: int, now: datetime) -> bool:
    draft = (
        ReviewDraft.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("trace__system", "trace__release", "reviewer")
        .filter(pk=pk, takes_effect_at__lte=now)  # still: it may have been decided anew meanwhile
        .first()
    )
    if draft is None:
        return False
    try:
        with transaction.atomic():
            _change(draft, takes_effect_at=None)  # it counts now, so nothing is left to be taken back
            _say(draft)
    except EvidenceError as exc:
        _change(draft, takes_effect_at=None, refusal=str(exc))
        return False
    draft.delete()
    return True


def _say(draft: ReviewDraft) -> None:
    """Put on record what a draft says, by the door of what it is to become."""
    principal = principal_of_user(draft.reviewer)
    if draft.stage == QueuedTask.Stage.SETTLE:
        task = ReviewTask.objects.select_related("trace__system", "trace__release").get(trace=draft.trace)
        reviews.adjudicate(principal=principal, task=task, **_of_settlement(draft.said))
    else:
        record_judgement(principal=principal, trace=draft.trace, **_of_review(draft.said))


def _own_or_new(principal: Principal, trace: Trace) -> ReviewDraft:
    """Return this person's draft, locked; of two requests that make it at once, one finds the other's."""
    ReviewDraft.objects.get_or_create(
        trace=trace, reviewer=principal.person, defaults={"said": {}, "saved_at": clock.now()}
    )
    return ReviewDraft.objects.select_for_update().get(trace=trace, reviewer=principal.person)


def _own(principal: Principal, trace: Trace) -> ReviewDraft | None:
    drafts = ReviewDraft.objects.select_for_update().filter(trace=trace, reviewer=principal.person)
    return drafts.first()


def _change(draft: ReviewDraft, **values: Any) -> ReviewDraft:
    for name, value in {"saved_at": clock.now(), **values}.items():
        setattr(draft, name, value)
    draft.save()
    return draft


def _check_said(said: Mapping[str, Any]) -> None:
    for name, value in said.items():
        kind = SAID.get(name)
        if kind is None:
            raise InvalidInput(
                worded("A review says %(said)s, and no %(name)s.", said=", ".join(SAID), name=repr(name))
            )
        if not isinstance(value, kind):
            raise InvalidInput(
                worded(
                    "%(name)s of a review is a %(kind)s, not %(value)s.",
                    name=repr(name),
                    kind=kind.__name__,
                    value=repr(value),
                )
            )
    for claim in said.get("claims", {}):
        if not str(claim).isdecimal() or len(str(claim)) > _MOST_DIGITS:
            raise InvalidInput(
                worded("Claims are named by their ordinals, which %(claim)s is not.", claim=repr(claim))
            )


def _stage(disputed: ReviewTask | None) -> QueuedTask.Stage:
    return QueuedTask.Stage.JUDGE if disputed is None else QueuedTask.Stage.SETTLE


def _of_settlement(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said as `adjudicate` takes it: a reason has no label there, and no claim a word of its own."""
    told = {name: said.get(name, "") for name in ("decision", "rationale", "corrected_answer")}
    if told["decision"] != Review.Decision.OVERRIDE:
        told["corrected_answer"] = ""
    return told


def _of_review(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said as `record_review` takes it: without what was written for another decision.

    JSON names claims by texts.
    """
    told = {"decision": "", **said}
    if told["decision"] != Review.Decision.OVERRIDE:
        told.pop("corrected_answer", None)
    if told["decision"] == Review.Decision.APPROVE:
        for label in ("reason_code", "reason"):
            told.pop(label, None)
    return {**told, "claims": {int(claim): word for claim, word in said.get("claims", {}).items()}}
