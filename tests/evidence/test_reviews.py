"""Who may judge an answer, what a judgement must say, and how a disagreement is settled."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from evidence.access import principal_of_user as acting_as
from evidence.errors import AccessDenied, ConflictingContent, InvalidInput
from evidence.models import Adjudication, AuditEvent, Membership, Review
from evidence.services import registry, reviews
from tests.e2e.cases import make_task, make_trace
from tests.factories import World, make_person, manifest

pytestmark = pytest.mark.django_db


def colleague(world: World, name: str, *roles: str) -> User:
    """Return another person of the system, a reviewer where no role is named."""
    person = make_person(name, *(roles or ["reviewer"]))
    Membership.objects.create(system=world.system, user=person)
    return person


def judge(world: World, person: User, decision: str, **said: Any) -> Review:
    task = make_task(world)
    return reviews.record_review(principal=acting_as(person), trace=task.trace, decision=decision, **said)


@pytest.mark.parametrize(
    ("decision", "said", "told"),
    [
        ("perhaps", {}, "'perhaps' is no decision: use one of approve, override, reject, escalate"),
        ("reject", {}, "label the reason: one of wrong_fact, unsupported_claim"),
        ("reject", {"reason_code": "because"}, "label the reason"),
        ("override", {"reason_code": "unclear", "corrected_answer": " "}, "give corrected_answer"),
    ],
)
def test_a_judgement_that_does_not_say_enough_is_refused(
    world: World, decision: str, said: dict[str, str], told: str
) -> None:
    with pytest.raises(InvalidInput, match=told):
        judge(world, world.people["reviewer"], decision, **said)
    assert not Review.objects.exists()


def test_who_put_a_release_on_record_does_not_judge_its_answers(world: World) -> None:
    author = colleague(world, "both", "author", "reviewer")
    release = registry.register_release(
        principal=acting_as(author), system=world.system, manifest=manifest(name="r2")
    )
    trace = make_trace(World(world.system, release, world.people))
    with pytest.raises(AccessDenied, match="another person must review"):
        reviews.record_review(principal=acting_as(author), trace=trace, decision="approve")
    assert reviews.record_review(
        principal=acting_as(world.people["reviewer"]), trace=trace, decision="approve"
    ).pk


def test_the_same_judgement_is_one_and_another_is_refused(world: World) -> None:
    trace, person = make_task(world).trace, world.people["reviewer"]
    first = reviews.record_review(principal=acting_as(person), trace=trace, decision="approve")
    assert reviews.record_review(principal=acting_as(person), trace=trace, decision="approve") == first
    with pytest.raises(ConflictingContent, match="goes to adjudication"):
        reviews.record_review(
            principal=acting_as(person), trace=trace, decision="reject", reason_code="unclear"
        )
    assert AuditEvent.objects.filter(verb="review.recorded").count() == 1


def test_a_disagreement_is_settled_once_by_a_third_person(world: World) -> None:
    task = make_task(world)
    first, second, third = world.people["reviewer"], colleague(world, "second"), colleague(world, "third")
    settle: dict[str, Any] = {"task": task, "decision": "reject", "rationale": "The fee is in no source."}
    reviews.record_review(principal=acting_as(first), trace=task.trace, decision="approve")
    with pytest.raises(ConflictingContent, match="still waits for a review"):
        reviews.adjudicate(principal=acting_as(third), **settle)
    reviews.record_review(
        principal=acting_as(second), trace=task.trace, decision="reject", reason_code="unclear"
    )
    with pytest.raises(AccessDenied, match="a third person adjudicates"):
        reviews.adjudicate(principal=acting_as(second), **settle)
    for wrong in ({"decision": "perhaps"}, {"rationale": " "}):
        with pytest.raises(InvalidInput, match="needs a decision and its rationale"):
            reviews.adjudicate(principal=acting_as(third), **settle | wrong)
    settled = reviews.adjudicate(principal=acting_as(third), **settle)
    assert reviews.adjudicate(principal=acting_as(third), **settle) == settled, "sent again it is the same"
    assert Adjudication.objects.get() == settled
    for person, over in ((third, {"rationale": "Otherwise."}), (colleague(world, "fourth"), {})):
        with pytest.raises(ConflictingContent, match="was settled before"):
            reviews.adjudicate(principal=acting_as(person), **settle | over)
    with pytest.raises(ConflictingContent, match="its reviews are closed"):
        reviews.record_review(principal=acting_as(third), trace=task.trace, decision="approve")


def test_reviews_that_agree_leave_nothing_to_settle(world: World) -> None:
    task = make_task(world)
    for person in (world.people["reviewer"], colleague(world, "second")):
        reviews.record_review(principal=acting_as(person), trace=task.trace, decision="approve")
    with pytest.raises(ConflictingContent, match="nothing to adjudicate"):
        reviews.adjudicate(
            principal=acting_as(colleague(world, "third")), task=task, decision="reject", rationale="The fee."
        )
