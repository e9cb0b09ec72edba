from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape
from rest_framework.test import APIClient

from evidence.access import principal_of_user
from evidence.errors import AccessDenied, ConflictingContent, InvalidInput
from evidence.models import AuditEvent, EvalRun, Retraction, Scope
from evidence.services import evals
from evidence.services.gates import CriterionReference
from tests.evidence.eval_files import eval_file, post, register_eval_versions
from tests.factories import GATE_APPROVER, World, acting, define_gate
from tests.requirements.builders import make_criterion

pytestmark = pytest.mark.django_db


def ask(run: EvalRun, by: str = "user:ana", reason: str = "wrong labels") -> Any:
    return evals.ask_retraction(principal=acting(by), run=run, reason=reason)


def test_one_token_turns_no_fail_into_a_pass(world: World, api: APIClient) -> None:
    """The gate failed, so whoever posts runs retracts the one that failed: it counts until another confirms."""
    register_eval_versions(world)
    parameters = "{suite: {key: behaviour}, metric: grounded, planned_runs: 2}"
    make_criterion(world, check="evals.metric", parameters=parameters)
    define_gate(system=world.system, key="release", references=[CriterionReference(requirement="r")])
    post(world, eval_file([1.0] * 40))
    post(world, eval_file([1.0] * 20 + [0.0] * 40, run_key="run-2"))
    token = world.headers(Scope.PUSH_EVAL, Scope.GATE)
    body = {"system": world.system.key, "run_key": "run-2", "reason": "x"}
    asked = api.post("/api/v1/retractions", body, format="json", **token)
    assert (asked.status_code, asked.json()["state"]) == (201, "waiting")
    step = f"/api/v1/retractions/{asked.json()['id']}/transitions"
    refused = api.post(step, {"to_state": "confirmed"}, format="json", **token)
    assert refused.status_code == 403
    question = {"system": world.system.key, "release": "r1"}
    decision = api.post("/api/v1/gates/release/decisions", question, format="json", **token).json()
    assert decision["verdict"] == "fail"

    approver = APIClient()
    approver.force_login(world.people["approver"])
    confirmed = approver.post(step, {"to_state": "confirmed"}, format="json")
    assert (confirmed.status_code, confirmed.json()["state"]) == (201, "confirmed")
    decision = api.post("/api/v1/gates/release/decisions", question, format="json", **token).json()
    assert decision["verdict"] == "pass"


def test_nobody_confirms_what_they_or_a_token_of_theirs_asked_for(world: World) -> None:
    run, both = post(world, eval_file()).run, world.join("both", "author", "approver")
    asked = evals.ask_retraction(principal=principal_of_user(both), run=run, reason="r")
    with pytest.raises(AccessDenied, match="second person"):
        evals.settle_retraction(principal=principal_of_user(both), request=asked, to_state="confirmed")
    assert not Retraction.objects.exists()


def test_whoever_put_the_release_on_record_confirms_no_retraction_of_its_runs(world: World) -> None:
    asked = ask(post(world, eval_file()).run)
    with pytest.raises(AccessDenied, match="put the release on record"):
        evals.settle_retraction(principal=acting(), request=asked, to_state="confirmed")


def test_a_request_says_why_and_the_same_again_is_the_first(world: World) -> None:
    run = post(world, eval_file()).run
    with pytest.raises(InvalidInput, match="give a reason"):
        ask(run, reason=" ")
    assert ask(run) == ask(run, reason="again")
    assert ask(run) != ask(run, by="user:bob")


@pytest.mark.parametrize(("step", "by"), [("declined", GATE_APPROVER), ("withdrawn", "user:ana")])
def test_a_request_that_ended_leaves_the_run_as_it_counts(world: World, step: str, by: str) -> None:
    run = post(world, eval_file()).run
    asked = ask(run)
    evals.settle_retraction(principal=acting(by), request=asked, to_state=step, reason="labels are right")
    assert not Retraction.objects.exists()
    with pytest.raises(ConflictingContent, match="before"):
        evals.settle_retraction(principal=acting("user:zoe"), request=asked, to_state="confirmed")
    assert AuditEvent.objects.filter(verb=f"retraction.{step}", object_id=str(asked.pk)).exists()


def test_declining_says_why(world: World) -> None:
    with pytest.raises(InvalidInput, match="Say why"):
        evals.settle_retraction(
            principal=acting(GATE_APPROVER), request=ask(post(world, eval_file()).run), to_state="declined"
        )


def test_a_reason_that_is_refused_stands_there_still(world: World, client: Client) -> None:
    """Whoever typed it puts right what was refused, and does not type it again."""
    run = post(world, eval_file()).run
    asked = evals.ask_retraction(principal=world.principal("author"), run=run, reason="wrong labels")
    page = reverse("admin:evidence_retractionrequest_change", args=[asked.pk])
    client.force_login(world.people["approver"])
    typed = "The labels were right <twice>.\nSee the sheet."
    refused = client.post(page, {"step": "no such step", "reason": typed})
    assert refused.status_code == 422
    assert f"{escape(typed)}</textarea>" in refused.content.decode()
    client.post(page, {"step": "confirmed", "reason": ""})
    late = client.post(page, {"step": "declined", "reason": typed})
    assert late.status_code in {403, 409}
    assert "The labels were right &lt;twice&gt;." in late.content.decode(), (
        "nothing is left to press, and it is told"
    )


def test_an_approver_finds_it_on_the_front_page_and_confirms_it_on_its_own(
    world: World, client: Client
) -> None:
    run = post(world, eval_file()).run
    asked = evals.ask_retraction(principal=world.principal("author"), run=run, reason="wrong labels")
    client.force_login(world.people["approver"])
    waiting = reverse("admin:evidence_retractionrequest_changelist") + "?state=waiting"
    assert waiting in client.get(reverse("admin:index")).content.decode()
    page = reverse("admin:evidence_retractionrequest_change", args=[asked.pk])
    assert "wrong labels" in client.get(page).content.decode()
    client.post(page, {"step": "confirmed", "reason": ""})
    assert Retraction.objects.get().confirmed_by == world.principal("approver").actor
