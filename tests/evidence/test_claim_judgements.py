"""What reviewers say of each claim, and what whoever settles a disagreement gives as the answer."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from rest_framework.test import APIClient

from evidence.access import principal_of_user, visible_to
from evidence.errors import InvalidInput
from evidence.models import AuditEvent, ClaimJudgement, Review, ReviewTask
from evidence.services import reviews
from tests.e2e.cases import make_task
from tests.evidence.test_blinding import colleague, say, signed_in
from tests.factories import World


def judged_by(client: APIClient, task: ReviewTask, claims: list[dict[str, Any]]) -> Any:
    body = {
        "system": task.system.key, "trace_id": task.trace.trace_id.hex, "decision": "reject",
        "reason_code": "wrong_citation", "claims": claims,
    }  # fmt: skip
    return client.post("/api/v1/reviews", body, format="json")


SAID_OF_CLAIMS: Final[list[dict[str, Any]]] = [
    {"claim": 0, "judgement": "stands"},
    {"claim": 2, "judgement": "does_not_stand"},
    {"claim": 1, "judgement": "cannot_tell"},
]


def test_what_is_said_of_each_claim_is_on_record_with_the_review(world: World) -> None:
    task, client = make_task(world), signed_in(world.people["reviewer"])
    answer = judged_by(client, task, SAID_OF_CLAIMS)
    assert answer.status_code == 201, answer.content
    in_order = sorted(SAID_OF_CLAIMS, key=lambda told: told["claim"])
    assert answer.json()["claims"] == in_order
    assert judged_by(client, task, in_order).json()["id"] == answer.json()["id"]  # the same again
    other = judged_by(client, task, in_order[:1])
    assert (other.status_code, ClaimJudgement.objects.count()) == (409, 3)
    event = AuditEvent.objects.get(verb="review.recorded")
    assert json.loads(bytes(event.payload.payload))["claims"] == {
        "0": "stands",
        "1": "cannot_tell",
        "2": "does_not_stand",
    }


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ([{"claim": 4, "judgement": "stands"}], "there is no claim 4"),
        ([{"claim": 0, "judgement": "true"}], "is not one of stands, does_not_stand, cannot_tell"),
        ([{"claim": 0, "judgement": "stands"}, {"claim": 0, "judgement": "stands"}], "one is named twice"),
        ([{"claim": -1, "judgement": "stands"}], "greater than or equal to 0"),
    ],
)
def test_what_is_said_of_no_claim_is_refused_and_nothing_is_kept(
    world: World, claims: list[dict[str, Any]], told: str
) -> None:
    answer = judged_by(signed_in(world.people["reviewer"]), make_task(world), claims)
    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert (Review.objects.count(), ClaimJudgement.objects.count()) == (0, 0)


def test_a_colleague_reads_what_was_said_of_claims_after_judging(world: World) -> None:
    task = make_task(world)
    judged_by(signed_in(world.people["reviewer"]), task, SAID_OF_CLAIMS)
    second = colleague(world, "second", "reviewer")
    assert not visible_to(ClaimJudgement.objects.all(), principal_of_user(second)).exists()
    say(signed_in(second), task, "approve")
    assert visible_to(ClaimJudgement.objects.all(), principal_of_user(second)).count() == 3


def test_whoever_settles_says_what_the_answer_should_have_been(world: World) -> None:
    task = make_task(world)
    for name, decision in (("one", "reject"), ("two", "approve")):
        say(signed_in(colleague(world, name, "reviewer")), task, decision)
    third = principal_of_user(colleague(world, "three", "reviewer"))
    with pytest.raises(InvalidInput, match="An override says what the answer should have been"):
        reviews.adjudicate(principal=third, task=task, decision="override", rationale="Both are wrong.")
    settled = reviews.adjudicate(
        principal=third, task=task, decision="override", rationale="Both are wrong.",
        corrected_answer="There is a fee of 1 %.",
    )  # fmt: skip
    assert settled.corrected_answer == "There is a fee of 1 %."
