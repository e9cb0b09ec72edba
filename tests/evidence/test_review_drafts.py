"""What a reviewer writes is theirs alone; what they decide can be taken back for a while, and is then on record."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest
from django.test import Client
from django.urls import reverse

from evidence import clock
from evidence.access import principal_of_user, visible_to
from evidence.errors import AccessDenied, ConflictingContent, InvalidInput, NotFound
from evidence.models import ClaimJudgement, QueuedTask, Review, ReviewDraft
from evidence.services import review_drafts, review_queue, reviews
from evidence.services.disposal import erasure
from tests.e2e.cases import ANSWER, make_task
from tests.evidence.test_blinding import colleague, later_revision
from tests.factories import World, acting

SAID: Final[dict[str, Any]] = {
    "decision": "reject", "reason_code": "wrong_fact", "rationale": "The fee is invented.",
    "claims": {"0": "stands", "2": "does_not_stand"},
}  # fmt: skip


def later() -> Any:
    return clock.now() + timedelta(seconds=11)


def test_what_is_written_is_kept_and_shown_to_nobody_else(world: World) -> None:
    task, principal = make_task(world), world.principal("reviewer")
    review_drafts.save_draft(principal=principal, trace=task.trace, said={"rationale": "The f"})
    draft = review_drafts.save_draft(principal=principal, trace=task.trace, said={"rationale": "The fee"})
    assert ReviewDraft.objects.get().said == {"rationale": "The fee"}
    address = reverse("admin:evidence_reviewdraft_change", args=[draft.pk])
    for who in ("auditor", "approver", "operator", "researcher"):
        assert not visible_to(ReviewDraft.objects.all(), world.principal(who)).exists()
        client = Client()
        client.force_login(world.people[who])
        assert client.get(address).status_code in {403, 404}  # not there, or not their noun
    colleagues, client = colleague(world, "second", "reviewer"), Client()
    assert not visible_to(ReviewDraft.objects.all(), principal_of_user(colleagues)).exists()
    client.force_login(colleagues)
    assert "The fee" not in client.get(address, follow=True).content.decode()
    assert visible_to(ReviewDraft.objects.all(), principal).get() == draft


def test_a_decision_is_on_record_once_its_time_is_over(world: World) -> None:
    task, principal = make_task(world), world.principal("reviewer")
    review_queue.take_next(principal=principal)
    review_drafts.decide(principal=principal, trace=task.trace, said=SAID)
    assert review_drafts.record_decided() == 0
    assert not Review.objects.exists()
    assert review_queue.take_next(principal=principal) is None  # it is decided, so it is not given again
    assert review_drafts.record_decided(later()) == 1
    review = Review.objects.get()
    assert (review.decision, review.reviewer, review.rationale) == (
        "reject", world.people["reviewer"], "The fee is invented.",
    )  # fmt: skip
    assert dict(ClaimJudgement.objects.values_list("claim__ordinal", "judgement")) == {
        0: "stands", 2: "does_not_stand",
    }  # fmt: skip
    assert not ReviewDraft.objects.exists()
    assert review_drafts.record_decided(later()) == 0


def test_what_was_written_for_another_decision_is_kept_in_the_draft_and_not_recorded(world: World) -> None:
    task, principal = make_task(world), world.principal("reviewer")
    said = {"decision": "approve", "reason_code": "unclear", "corrected_answer": "There is a fee."}
    assert review_drafts.decide(principal=principal, trace=task.trace, said=said).said == said
    review_drafts.record_decided(later())
    review = Review.objects.get()
    assert (review.decision, review.reason_code, review.corrected_answer) == ("approve", "", "")


def test_a_draft_goes_with_a_review_by_another_door_and_can_be_thrown_away(world: World) -> None:
    task, other, principal = make_task(world), make_task(world), world.principal("reviewer")
    for one in (task, other):
        review_drafts.save_draft(principal=principal, trace=one.trace, said={"rationale": "Hm."})
    reviews.record_review(principal=principal, trace=task.trace, decision="approve")
    assert ReviewDraft.objects.get().trace == other.trace
    review_drafts.decide(principal=principal, trace=other.trace, said={"decision": "approve"})
    with pytest.raises(ConflictingContent, match="take that back first"):
        review_drafts.discard(principal=principal, trace=other.trace)
    review_drafts.take_back(principal=principal, trace=other.trace)
    review_drafts.discard(principal=principal, trace=other.trace)
    assert not ReviewDraft.objects.exists()


def test_whoever_writes_keeps_the_answer_in_their_hands(world: World) -> None:
    task = make_task(world)
    review_queue.take_next(principal=world.principal("reviewer"))
    QueuedTask.objects.update(held_until=clock.now() + timedelta(seconds=1))
    review_drafts.save_draft(principal=world.principal("reviewer"), trace=task.trace, said={"rationale": "H"})
    held = QueuedTask.objects.get().held_until
    assert held is not None
    assert held > clock.now() + timedelta(minutes=14)


def test_a_decision_that_was_taken_back_is_not_recorded_and_what_was_written_stays(world: World) -> None:
    task, principal = make_task(world), world.principal("reviewer")
    review_queue.take_next(principal=principal)
    review_drafts.decide(principal=principal, trace=task.trace, said=SAID)
    with pytest.raises(ConflictingContent, match="take that back to change it"):
        review_drafts.save_draft(principal=principal, trace=task.trace, said={"rationale": "no"})
    review_drafts.take_back(principal=principal, trace=task.trace)
    assert review_drafts.record_decided(later()) == 0
    assert (Review.objects.count(), ReviewDraft.objects.get().said) == (0, SAID)
    given = review_queue.take_next(principal=principal)
    assert given is not None
    assert given.task == task


def test_there_is_nothing_to_take_back_before_a_decision_or_after_it_counts(world: World) -> None:
    task, principal = make_task(world), world.principal("reviewer")
    with pytest.raises(NotFound, match="nothing to take back"):
        review_drafts.take_back(principal=principal, trace=task.trace)
    review_drafts.decide(principal=principal, trace=task.trace, said=SAID)
    review_drafts.record_decided(later())
    with pytest.raises(ConflictingContent, match="on record"):
        review_drafts.take_back(principal=principal, trace=task.trace)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({}, "is no decision"),
        ({"decision": "reject"}, "label the reason"),
        ({"decision": "override", "reason_code": "unclear"}, "give corrected_answer"),
        (
            {"decision": "override", "reason_code": "unclear", "corrected_answer": f" {ANSWER}\n"},
            "is the same",
        ),
        ({"decision": "approve", "claims": {"9": "stands"}}, "there is no claim 9"),
        ({"decision": "approve", "claims": {"first": "stands"}}, "named by their ordinals"),
        ({"decision": "approve", "claims": ["stands"]}, "is a dict"),
        ({"decision": "approve", "machine_verdict": {}}, "no 'machine_verdict'"),
    ],
)
def test_a_decision_that_no_review_could_be_is_refused_at_once(
    world: World, said: dict[str, Any], told: str
) -> None:
    with pytest.raises(InvalidInput, match=told):
        review_drafts.decide(principal=world.principal("reviewer"), trace=make_task(world).trace, said=said)
    assert not ReviewDraft.objects.exists()


def test_nobody_drafts_or_decides_what_is_not_theirs_to_judge(world: World) -> None:
    task = make_task(world)
    for act in (review_drafts.save_draft, review_drafts.decide):
        with pytest.raises(AccessDenied):
            act(principal=world.principal("auditor"), trace=task.trace, said=SAID)


def test_what_may_no_longer_be_recorded_stays_with_its_reason(world: World) -> None:
    task, principal = make_task(world), world.principal("reviewer")
    review_drafts.decide(principal=principal, trace=task.trace, said=SAID)
    later_revision(world, task)
    assert review_drafts.record_decided(later()) == 0
    draft = ReviewDraft.objects.get()
    assert draft.takes_effect_at is None
    assert "judge revision 2" in draft.refusal
    assert not Review.objects.exists()


def test_whoever_lost_their_role_meanwhile_records_nothing(world: World) -> None:
    task = make_task(world)
    review_drafts.decide(principal=world.principal("reviewer"), trace=task.trace, said=SAID)
    world.people["reviewer"].groups.clear()
    assert review_drafts.record_decided(later()) == 0
    assert "Only reviewers" in ReviewDraft.objects.get().refusal


def test_one_that_cannot_be_recorded_keeps_no_other_from_it(world: World) -> None:
    first, second = make_task(world), make_task(world)
    for task in (first, second):
        review_drafts.decide(principal=world.principal("reviewer"), trace=task.trace, said=SAID)
    later_revision(world, first)
    assert review_drafts.record_decided(later()) == 1
    assert Review.objects.get().task == second


def test_a_decision_holds_the_task_until_it_counts(world: World) -> None:
    task, principal = make_task(world), world.principal("reviewer")
    review_queue.take_next(principal=principal)
    review_drafts.decide(principal=principal, trace=task.trace, said=SAID)
    second = colleague(world, "second", "reviewer")
    with pytest.raises(ConflictingContent, match="A colleague is at this answer"):
        reviews.record_review(principal=principal_of_user(second), trace=task.trace, decision="approve")
    review_drafts.record_decided(later())
    assert QueuedTask.objects.get().held_by is None
    assert reviews.record_review(principal=principal_of_user(second), trace=task.trace, decision="approve")


def test_an_erasure_takes_what_was_still_written_of_the_trace(world: World) -> None:
    task = make_task(world)
    review_drafts.save_draft(principal=world.principal("reviewer"), trace=task.trace, said=SAID)
    erasure.erase_trace_payload(
        principal=acting(), system=world.system, trace_id=task.trace.trace_id, reason="asked"
    )
    assert not ReviewDraft.objects.exists()
    with pytest.raises(ConflictingContent, match="was erased"):
        review_drafts.save_draft(principal=world.principal("reviewer"), trace=task.trace, said=SAID)
    with pytest.raises(ConflictingContent, match="was erased"):
        review_drafts.decide(principal=world.principal("reviewer"), trace=task.trace, said=SAID)
