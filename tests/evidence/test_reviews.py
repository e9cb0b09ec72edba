"""Who may judge an answer, what a judgement must say, and how a disagreement is settled."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from evidence.errors import AccessDenied, ConflictingContent, InvalidInput
from evidence.models import Adjudication, AuditEvent, Review
from evidence.services import registry, reviews
from tests.e2e.cases import make_task, make_trace
from tests.factories import World, make_person, manifest

pytestmark = pytest.mark.django_db


def judge(world: World, person: User, decision: str, **said: str) -> Review:
    task = make_task(world)
    return reviews.record_review(trace=task.trace, reviewer=person, decision=decision, **said)


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
    author = world.people["author"]
    release = registry.register_release(
        system=world.system, manifest=manifest(name="r2"), actor=f"user:{author.username}"
    )
    trace = make_trace(World(world.system, release, world.people))
    with pytest.raises(AccessDenied, match="another person must review"):
        reviews.record_review(trace=trace, reviewer=author, decision="approve")
    assert reviews.record_review(trace=trace, reviewer=world.people["reviewer"], decision="approve").pk


def test_the_same_judgement_is_one_and_another_is_refused(world: World) -> None:
    trace, person = make_task(world).trace, world.people["reviewer"]
    first = reviews.record_review(trace=trace, reviewer=person, decision="approve")
    assert reviews.record_review(trace=trace, reviewer=person, decision="approve") == first
    with pytest.raises(ConflictingContent, match="goes to adjudication"):
        reviews.record_review(trace=trace, reviewer=person, decision="reject", reason_code="unclear")
    assert AuditEvent.objects.filter(verb="review.recorded").count() == 1


def test_a_disagreement_is_settled_once_by_a_third_person(world: World) -> None:
    task = make_task(world)
    first, second, third = world.people["reviewer"], make_person("second"), make_person("third")
    settle: dict[str, Any] = {"task": task, "decision": "reject", "rationale": "The fee is in no source."}
    reviews.record_review(trace=task.trace, reviewer=first, decision="approve")
    with pytest.raises(InvalidInput, match="nothing to adjudicate"):
        reviews.adjudicate(adjudicator=third, **settle)
    reviews.record_review(trace=task.trace, reviewer=second, decision="reject", reason_code="unclear")
    with pytest.raises(AccessDenied, match="a third person adjudicates"):
        reviews.adjudicate(adjudicator=second, **settle)
    for wrong in ({"decision": "perhaps"}, {"rationale": " "}):
        with pytest.raises(InvalidInput, match="needs a decision and its rationale"):
            reviews.adjudicate(adjudicator=third, **settle | wrong)
    assert reviews.adjudicate(adjudicator=third, **settle) == Adjudication.objects.get()
    with pytest.raises(ConflictingContent, match="was settled before"):
        reviews.adjudicate(adjudicator=third, **settle)
    with pytest.raises(ConflictingContent, match="its reviews are closed"):
        reviews.record_review(trace=task.trace, reviewer=third, decision="approve")
