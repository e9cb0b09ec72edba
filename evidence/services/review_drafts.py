"""What a reviewer is about to say: kept as they write, taken back for a while once decided, and then on record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from evidence import acts, clock
from evidence.access import Principal, principal_of_user
from evidence.errors import ConflictingContent, EvidenceError, InvalidInput, NotFound
from evidence.models import QueuedTask, Review, ReviewDraft, Trace
from evidence.services import reviews

# What a draft may say, with the kind of each: as `reviews.record_review` takes it.
SAID: Final[Mapping[str, type]] = {
    "decision": str,
    "reason_code": str,
    "rationale": str,
    "corrected_answer": str,
    "claims": dict,
}
BATCH: Final = 50  # decided ones that a call puts on record


@transaction.atomic
def save_draft(*, principal: Principal, trace: Trace, said: Mapping[str, Any]) -> ReviewDraft:
    """Keep what a reviewer has written so far; nothing of it need be whole.

    Raises:
        AccessDenied, NotFound, ConflictingContent: as `acts.check_can_review` does.
        ConflictingContent: they have decided, and have to take that back first.
        InvalidInput: something is said that no review says.
    """
    acts.check_can_review(principal, trace)
    _check_said(said)
    draft = _own(principal, trace)
    if draft is None:
        return ReviewDraft.objects.create(
            trace=trace, reviewer=principal.person, said=dict(said), saved_at=clock.now()
        )
    if draft.takes_effect_at is not None:
        raise ConflictingContent("You have decided on this answer: take that back to change it.")
    return _change(draft, said=dict(said), refusal="")


@transaction.atomic
def decide(*, principal: Principal, trace: Trace, said: Mapping[str, Any]) -> ReviewDraft:
    """Decide, so that it is on record once the time to take it back is over; again, that time begins anew.

    Raises:
        AccessDenied, NotFound, ConflictingContent, InvalidInput: as `reviews.record_review` does.
    """
    _check_said(said)
    reviews.check_can_record(principal=principal, trace=trace, **_of_record(said))
    draft = _own(principal, trace) or ReviewDraft(trace=trace, reviewer=principal.person)
    now = clock.now()
    draft.takes_effect_at = now + settings.REVIEW_TAKE_BACK
    QueuedTask.objects.filter(task__trace=trace, held_by=principal.person).update(
        held_until=draft.takes_effect_at + settings.REVIEW_HOLD
    )
    return _change(draft, said=dict(said), refusal="", saved_at=now)


@transaction.atomic
def take_back(*, principal: Principal, trace: Trace) -> ReviewDraft:
    """Take a decision back; what was written stays a draft.

    Raises:
        ConflictingContent: it is on record.
        NotFound: they have decided nothing.
    """
    draft = _own(principal, trace)
    if draft is not None and draft.takes_effect_at is not None:
        return _change(draft, takes_effect_at=None)
    if Review.objects.filter(task__trace=trace, reviewer=principal.person).exists():
        raise ConflictingContent("Your decision is on record. A changed mind goes to adjudication.")
    raise NotFound("You have decided nothing about this answer, so there is nothing to take back.")


def record_decided(now: datetime | None = None) -> int:
    """Put on record what was decided and not taken back in time; return how many.

    What may not be recorded any more (somebody else judged meanwhile, a later revision came) stays as a draft, with the
    reason.
    """
    due = ReviewDraft.objects.filter(takes_effect_at__lte=now or clock.now())
    return sum(_record(pk) for pk in due.order_by("takes_effect_at").values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def _record(pk: int) -> bool:
    draft = (
        ReviewDraft.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("trace__system", "trace__release", "reviewer")
        .filter(pk=pk, takes_effect_at__isnull=False)
        .first()
    )
    if draft is None:
        return False
    try:
        with transaction.atomic():
            principal = principal_of_user(draft.reviewer)
            reviews.record_review(principal=principal, trace=draft.trace, **_of_record(draft.said))
    except EvidenceError as exc:
        _change(draft, takes_effect_at=None, refusal=str(exc))
        return False
    draft.delete()
    return True


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
            raise InvalidInput(f"A review says {', '.join(SAID)}, and no {name!r}.")
        if not isinstance(value, kind):
            raise InvalidInput(f"{name!r} of a review is a {kind.__name__}, not {value!r}.")
    for claim in said.get("claims", {}):
        if not str(claim).isdecimal():
            raise InvalidInput(f"Claims are named by their ordinals, which {claim!r} is not.")


def _of_record(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said as `record_review` takes it: JSON names claims by texts."""
    claims = {int(claim): verdict for claim, verdict in said.get("claims", {}).items()}
    return {"decision": "", **said, "claims": claims}
