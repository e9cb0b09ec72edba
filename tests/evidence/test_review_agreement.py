"""How reviewers agree, by page and API: what is counted, what is missing, and nothing that would lead anybody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from evidence.access import principal_of_command_line, principal_of_user
from evidence.actors import actor_of_user
from evidence.models import ClaimJudgement, Review, ReviewTask, Scope
from evidence.selectors import review_agreement
from evidence.services import reviews
from evidence.services.people import tokens
from tests.e2e.cases import make_task
from tests.evidence.test_blinding import colleague, later_revision, signed_in
from tests.factories import ACTOR, World, make_world
from tests.kept_scenes import kept_scene
from tests.requirements.builders import make_traces

PATH = "/api/v1/review-agreement"
N = 24
CLAIMS = {0: "stands", 1: "does_not_stand"}


def judge(person: User, task: ReviewTask, decision: str = "approve", reason: str = "", **more: Any) -> Review:
    return reviews.record_review(
        principal=principal_of_user(person), trace=task.trace, decision=decision, reason_code=reason, **more
    )


def ask(person: User, status: int = 200, **query: str) -> Any:
    now = timezone.now()
    asked = {
        "system": "credit-assistant", "period_from": (now - timedelta(days=1)).isoformat(),
        "period_to": (now + timedelta(hours=1)).isoformat(), **query,
    }  # fmt: skip
    answer = signed_in(person).get(PATH, asked)
    assert answer.status_code == status, answer.content
    return answer.json()


@pytest.fixture
@kept_scene
def judged(world: World) -> World:
    """24 answers that two people judged: they disagree on every fourth, on why as well."""
    people = world.people["reviewer"], colleague(world, "second", "reviewer")
    traces = make_traces(world, N, claims=[("verbatim", 1.0)] * 2)
    tasks = reviews.open_review_tasks(
        asked=[reviews.Asked(each, "high_risk") for each in traces], actor=ACTOR
    )
    for k, task in enumerate(tasks):
        agreed = ("approve", "", CLAIMS) if k % 3 else ("reject", "wrong_fact", CLAIMS)
        disagreed = ("escalate", "unclear", {0: "cannot_tell"})
        for person, said in zip(people, (agreed, agreed if k % 4 else disagreed), strict=True):
            store(person, task, *said)
    return world


def store(person: User, task: ReviewTask, decision: str, reason: str, claims: dict[int, str]) -> None:
    """Insert a review as it is stored, without the checks: half a hundred of those take ten seconds."""
    assert actor_of_user(person)  # as whoever acts is given one
    review = Review.objects.create(
        task=task, reviewer=person, decision=decision, reason_code=reason, machine_verdict={}
    )
    ClaimJudgement.objects.bulk_create(
        ClaimJudgement(review=review, claim=task.trace.claims.get(ordinal=ordinal), judgement=judgement)
        for ordinal, judgement in claims.items()
    )


def test_figures_are_of_answers_that_two_people_judged(judged: World) -> None:
    found = ask(judged.people["auditor"])
    decisions = found["decisions"]
    assert (decisions["n"], decisions["n_units"], decisions["why"]) == (N, N, None)
    assert decisions["share"]["value"] == 0.75
    assert decisions["alpha"]["low"] < decisions["alpha"]["value"] < decisions["alpha"]["high"] < 1
    (pair,) = found["pairs"]
    people = (judged.people["reviewer"], User.objects.get(username="second"))
    assert pair["people"] == sorted(actor_of_user(person) for person in people)
    assert pair["decisions"] == decisions
    by_code = {each["reason_code"]: each for each in found["reasons"]}
    assert by_code["wrong_fact"]["n_named"] == 14  # eight by the one, of which the other agrees on six
    assert by_code["wrong_fact"]["named"]["share"]["value"] == pytest.approx(1 - 2 / N)
    assert by_code["policy_breach"]["named"]["why"] == "all_alike"
    assert found["claims"]["n"] == N + 3 * N // 4  # the second claim was judged twice where they agree
    assert found["counted"]["judged_by_one"] == 0


def test_a_reviewer_is_told_nothing_of_an_answer_that_waits_for_them(judged: World) -> None:
    third = colleague(judged, "third", "reviewer")
    before = ask(third)
    waiting = make_task(judged)
    judge(judged.people["reviewer"], waiting, "reject", "policy_breach")
    after = ask(third)
    assert after["counted"].pop("kept_from_reader") == 1
    assert before["counted"].pop("kept_from_reader") == 0
    assert after == before
    token = tokens.issue_token(
        name="t", owner=third, scopes=[Scope.READ], systems=[judged.system],
        expires_at=timezone.now() + timedelta(days=1), principal=principal_of_command_line(),
    )  # fmt: skip
    query = {
        "system": judged.system.key,
        "period_from": "2020-01-01T00:00:00Z",
        "period_to": "2099-01-01T00:00:00Z",
    }
    by_token = Client().get(PATH, query, headers={"authorization": f"Bearer {token.text}"}).json()
    assert by_token["reasons"] == before["reasons"]
    assert ask(judged.people["auditor"])["counted"]["judged_by_one"] == 1
    judge(third, waiting)
    assert ask(third)["decisions"]["n"] == N + 1


def test_what_is_replaced_or_was_judged_once_is_told_and_not_counted(world: World) -> None:
    second = colleague(world, "second", "reviewer")
    task = make_task(world)
    for person in (world.people["reviewer"], second):
        judge(person, task)
    judge(second, later_revision(world, task))
    found = ask(world.people["auditor"])
    assert found["counted"] == {
        "reviews": 1, "answers": 1, "judged_by_one": 1, "second_awaited": 1, "earlier_revisions": 2,
        "kept_from_reader": 0,
    }  # fmt: skip
    assert (found["decisions"]["n"], found["decisions"]["why"]) == (0, "not_judged_twice")


def test_a_second_judgement_outside_the_period_is_not_awaited(world: World) -> None:
    task = make_task(world)
    judge(world.people["reviewer"], task)
    between = timezone.now().isoformat()
    assert ask(world.people["auditor"], period_to=between)["counted"]["second_awaited"] == 1
    judge(colleague(world, "second", "reviewer"), task)
    found = ask(world.people["auditor"], period_to=between)["counted"]
    assert (found["judged_by_one"], found["second_awaited"]) == (1, 0)


def test_too_few_answers_get_no_number(world: World) -> None:
    second, task = colleague(world, "second", "reviewer"), make_task(world)
    for person in (world.people["reviewer"], second):
        judge(person, task)
    found = ask(world.people["auditor"])
    for figure in (found["decisions"], found["pairs"][0]["decisions"]):
        assert (figure["n"], figure["share"], figure["alpha"], figure["why"]) == (1, None, None, "too_few")


def test_the_period_and_the_system_narrow(judged: World) -> None:
    auditor, day = judged.people["auditor"], "2020-01-01T00:00:00Z"
    past = ask(auditor, period_from=day, period_to="2020-02-01T00:00:00Z")
    assert past["counted"]["reviews"] == 0
    assert "ends before it begins" in str(
        ask(judged.people["auditor"], 422, period_to="2020-01-01T00:00:00Z")
    )
    make_world("other-desk")
    ask(auditor, 404, system="other-desk")


def test_a_period_that_holds_too_much_is_asked_to_be_shorter(
    judged: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nobody named one: the page takes ninety days by itself."""
    monkeypatch.setattr(review_agreement, "MOST_REVIEWS", 2 * N - 1)
    person = judged.people["auditor"]
    client.force_login(person)
    page = client.get(reverse("admin:review_agreement"))
    assert page.status_code == 200
    assert "(47): take a shorter one" in page.content.decode()
    assert 'name="from"' in page.content.decode()
    assert "more than 47 reviews" in ask(person, 422)["detail"]
    monkeypatch.setattr(review_agreement, "MOST_REVIEWS", 2 * N)
    assert "take a shorter one" not in client.get(reverse("admin:review_agreement")).content.decode()


def test_the_page_shows_names_numbers_and_what_is_missing(judged: World, client: Client) -> None:
    client.force_login(judged.people["approver"])
    address = reverse("admin:review_agreement")
    page = client.get(address).content.decode()
    assert "48 reviews of 24 answers" in page
    assert "0.75 [" in page
    assert f"second – {judged.people['reviewer'].username}" in page or (
        f"{judged.people['reviewer'].username} – second" in page
    )
    assert address in client.get(reverse("admin:evidence_review_changelist")).content.decode()
    day = {"from": "2020-01-01", "to": "2020-01-31"}
    assert "No two people judged the same answer." in client.get(address, day).content.decode()
    assert {client.get(address, {"from": each}).status_code for each in ("soon", "0001-01-01")} == {422}
    operator = judged.join("op", "operator")
    client.force_login(operator)
    assert client.get(address).status_code == 403
    assert datetime.now(UTC).date().isoformat() in page
