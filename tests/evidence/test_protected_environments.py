"""A release goes to a protected environment by the newest decision of each gate that protects it, or goes back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from evidence import clock
from evidence.access import principal_of_user
from evidence.errors import (
    AccessDenied,
    ConflictingContent,
    InvalidInput,
    PromotionRefused,
    RollbackRefused,
)
from evidence.models import Admission, AuditEvent, Deployment, GateDecision, Release, Role, Scope
from evidence.services import deployments, evals, gates, reviews
from evidence.services.gates import CriterionReference, replay_admission
from tests import factories
from tests.e2e.cases import make_task
from tests.evidence.binder_world import make_finding
from tests.evidence.eval_files import eval_file, post, register_eval_versions
from tests.factories import World, acting, define_gate, deploy, second_release, waive
from tests.kept_scenes import kept_scene
from tests.requirements.builders import make_criterion, make_trace

pytestmark = pytest.mark.django_db

REFERENCE = CriterionReference(requirement="r", criterion="c")


def protect(world: World, *environments: str, key: str = "release") -> Any:
    return define_gate(
        system=world.system, key=key, references=[REFERENCE], protects=environments or ["production"]
    )


def decide(world: World, release: Release | None = None, **over: Any) -> GateDecision:
    asked = {"principal": acting(), "gate": "release", **over}
    return gates.decide_gate(system=world.system, release=release or world.release, **asked)


def record(world: World, release: Release | None = None, **over: Any) -> Deployment:
    told = {"principal": acting(), "environment": "production", "effective_from": timezone.now(), **over}
    return deployments.record_deployment(system=world.system, release=release or world.release, **told)


def go_back(world: World, release: Release | None = None, **over: Any) -> Deployment:
    told = {
        "principal": acting("user:oncall"), "environment": "production", "effective_from": timezone.now(),
        "reason": "r2 invents fees", **over,
    }  # fmt: skip
    return deployments.roll_back(system=world.system, release=release or world.release, **told)


def refusal(world: World, release: Release | None = None, **over: Any) -> dict[str, Any]:
    """Return what is told of the first gate that keeps a release out; nothing may be stored of it."""
    before = (Deployment.objects.count(), GateDecision.objects.count(), AuditEvent.objects.count())
    with pytest.raises(PromotionRefused) as told:
        record(world, release, **over)
    after = (Deployment.objects.count(), GateDecision.objects.count(), AuditEvent.objects.count())
    assert before == after
    assert len(told.value.gates) == 1
    return dict(told.value.gates[0])


@pytest.fixture
@kept_scene
def measured(world: World) -> World:
    """A criterion over eval runs of which two are planned, a passing run, and the gate that protects production."""
    register_eval_versions(world)
    parameters = "{suite: {key: behaviour}, metric: grounded, planned_runs: 2}"
    make_criterion(world, check="evals.metric", parameters=parameters)
    post(world, eval_file([1.0] * 60))
    protect(world)
    return world


# What the newest decision says.


def test_a_deployment_names_the_pass_that_let_it_in_and_its_check_replays(measured: World) -> None:
    decision = decide(measured)
    deployed = record(measured)
    (admission,) = deployed.admissions.all()
    assert (deployed.basis, admission.decision, admission.verdict) == ("decision", decision, "pass")
    assert admission.inputs_digest == decision.inputs_digest  # nothing has moved since
    assert replay_admission(admission).agrees


def test_without_a_decision_nothing_goes_there(measured: World) -> None:
    assert refusal(measured)["code"] == "not_decided"


def test_a_pass_of_another_release_lets_nothing_in(measured: World) -> None:
    other = second_release(measured)
    decide(measured)
    assert refusal(measured, other)["code"] == "not_decided"


def test_an_unmet_criterion_keeps_it_out_and_is_named(world: World) -> None:
    protect(world)
    make_criterion(world, min_n=1)
    for _ in range(14):
        make_trace(world, has_confidence=False)
    decision = decide(world)
    told = refusal(world)
    assert (told["code"], told["decision"], decision.verdict) == ("not_passed", decision.pk, "fail")
    (unmet,) = told["unmet"]
    assert (unmet["criterion"], unmet["verdict"], unmet["code"]) == (
        "r/c",
        "not_met",
        decision.reasons[0]["code"],
    )


def test_a_later_decision_that_fails_keeps_out_what_passed_before(measured: World) -> None:
    decide(measured)
    post(measured, eval_file([0.0] * 60, run_key="run-2"))
    failed = decide(measured)
    assert failed.verdict == "fail"
    assert refusal(measured)["decision"] == failed.pk


def test_a_pass_by_a_version_that_decides_no_more_lets_nothing_in(measured: World) -> None:
    decide(measured)
    protect(measured, "production", "staging")
    assert refusal(measured)["code"] == "other_version_decides"
    decide(measured)
    assert record(measured).basis == "decision"


# What has moved since.


def test_a_run_that_fails_and_about_which_nobody_asked_keeps_it_out(measured: World) -> None:
    decide(measured)
    post(measured, eval_file([0.0] * 60, run_key="run-2"))
    told = refusal(measured)
    assert (told["code"], told["unmet"][0]["verdict"]) == ("passes_no_more", "not_met")


def test_a_confirmed_retraction_of_what_it_passed_by_keeps_it_out(measured: World) -> None:
    run = post(measured, eval_file([1.0] * 60, run_key="run-2")).run
    decide(measured, runs=["run-2"])
    asked = evals.ask_retraction(principal=acting(), run=run, reason="wrong labels")
    assert record(measured).basis == "decision"  # a run counts until another person confirms
    evals.settle_retraction(principal=acting("user:gina"), request=asked, to_state="confirmed")
    assert refusal(measured)["code"] == "passes_no_more"


def test_a_pass_that_was_bound_to_a_run_is_none_once_another_decides(measured: World) -> None:
    decide(measured, runs=["run-1"])
    post(measured, eval_file([1.0] * 60, run_key="run-2"))
    assert refusal(measured)["unmet"][0]["code"] == "run_passed_over"


def test_an_expired_waiver_keeps_it_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    protect(world)
    make_criterion(world)
    waive(world, "r/c", expires_at=timezone.now() + timedelta(days=1))
    assert decide(world).verdict == "pass"
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(days=2))
    assert refusal(world)["code"] == "passes_no_more"


def test_nobody_deploys_by_a_waiver_that_they_granted(world: World) -> None:
    protect(world)
    make_criterion(world)
    waiver = waive(world, "r/c")
    approver = world.join("both", "author", "approver")
    assert decide(world).verdict == "pass"
    assert waiver.approved_by == world.principal("approver").actor
    world.people["approver"].groups.add(*approver.groups.all())
    assert refusal(world, principal=world.principal("approver"))["code"] == "passes_no_more"
    assert record(world, principal=world.principal("author")).basis == "decision"


def test_a_pass_that_rests_on_other_evidence_by_now_lets_in_and_says_so(measured: World) -> None:
    decision = decide(measured)
    post(measured, eval_file([1.0] * 60, run_key="run-2"))
    (admission,) = record(measured).admissions.all()
    assert (admission.decision, admission.verdict) == (decision, "pass")
    assert admission.inputs_digest != decision.inputs_digest
    assert GateDecision.objects.count() == 1  # looking decides nothing, and is no look at the criterion


# What protects what.


def test_nobody_takes_the_protection_away_alone(measured: World) -> None:
    author = measured.principal("author")
    weaker = gates.propose_gate(
        principal=author, system=measured.system, key="release", references=[REFERENCE]
    )
    assert refusal(measured)["gate_version"] == 1
    with pytest.raises(AccessDenied):
        gates.settle_gate_proposal(principal=author, version=weaker, to_state="approved")
    gates.settle_gate_proposal(principal=measured.principal("approver"), version=weaker, to_state="approved")
    assert record(measured).basis == "open"


def test_each_gate_that_protects_the_environment_must_let_it_in(measured: World) -> None:
    protect(measured, key="privacy")
    decide(measured)
    assert (refusal(measured)["gate"], refusal(measured)["code"]) == ("privacy", "not_decided")
    decide(measured, gate="privacy")
    assert sorted(each.gate_version.artefact.key for each in record(measured).admissions.all()) == [
        "privacy",
        "release",
    ]


def test_a_gate_can_protect_every_environment_there_will_be(world: World) -> None:
    protect(world, "*")
    assert refusal(world, environment="production-eu")["code"] == "not_decided"


def test_an_environment_that_no_gate_protects_is_open(measured: World) -> None:
    deployed = record(measured, environment="staging")
    assert (deployed.basis, deployed.admissions.count()) == ("open", 0)
    with pytest.raises(InvalidInput, match="leave `decision` out"):
        record(measured, environment="staging", effective_from=timezone.now(), decision=1)


@pytest.mark.parametrize(
    "name",
    [
        "Production", "production ", "prоduction", "ｐroduction", "productıon", "pr0duction",  # look-alikes
        "prod\u200buction", "production\u00ad", "\u2060production", "production\ufe0f", "pro\u034fduction",  # unseen
    ],
)  # fmt: skip
def test_a_name_that_reads_like_a_protected_one_is_refused(measured: World, name: str) -> None:
    with pytest.raises(InvalidInput, match="reads like 'production'"):
        record(measured, environment=name)


@pytest.mark.parametrize("name", ["", " ", " production", "x" * 101])
def test_a_gate_protects_no_environment_without_a_proper_name(world: World, name: str) -> None:
    with pytest.raises(InvalidInput):
        protect(world, name)


# What is recorded, and when.


def test_saying_it_again_answers_the_first_even_if_it_would_be_refused_by_now(measured: World) -> None:
    decide(measured)
    first = record(measured)
    post(measured, eval_file([0.0] * 60, run_key="run-2"))
    assert record(measured, effective_from=first.effective_from) == first
    assert Admission.objects.count() == 1


def test_the_decision_that_was_named_must_be_the_newest(measured: World) -> None:
    named = decide(measured)
    post(measured, eval_file([1.0] * 60, run_key="run-2"))
    newest = decide(measured)
    assert refusal(measured, decision=named.pk)["code"] == "other_decision"
    assert record(measured, decision=newest.pk).admissions.get().decision == newest


@pytest.mark.parametrize(
    ("moved", "told"), [(timedelta(days=-1), "was let in at"), (timedelta(days=1), "lies ahead")]
)
def test_a_release_is_live_there_neither_before_it_was_let_in_nor_ahead_of_time(
    measured: World, moved: timedelta, told: str
) -> None:
    decide(measured)
    with pytest.raises(InvalidInput, match=told):
        record(measured, effective_from=timezone.now() + moved)


def test_nothing_is_recorded_ahead_of_a_gate_that_is_to_come(world: World) -> None:
    """Said again once a gate protects the place, it would be answered as on record, and nobody would ask the gate."""
    at = timezone.now() + timedelta(hours=1)
    with pytest.raises(InvalidInput, match="lies ahead"):
        record(world, effective_from=at)
    protect(world)
    assert refusal(world)["code"] == "not_decided"
    assert not Deployment.objects.exists()


def counting_reviews(**asked: Any) -> Any:
    """Say of each criterion that it is met, by what reviewers said: an assessor."""
    return [replace(finding, counts_reviews=True) for finding in factories.met(**asked)]


def test_whom_colleagues_words_could_lead_neither_deploys_by_them_nor_reads_them(
    world: World, settings: Any
) -> None:
    settings.GATE_ASSESSOR = "tests.evidence.test_protected_environments.counting_reviews"
    protect(world)
    task = make_task(world)
    reviews.record_review(
        principal=world.principal("reviewer"), trace=task.trace, decision="reject", reason_code="wrong_fact"
    )
    decide(world)
    led = world.join("led", "author", "reviewer")
    with pytest.raises(AccessDenied, match="colleagues"):
        record(world, principal=principal_of_user(led))
    assert record(world).admissions.get().counts_reviews
    query = {"system": world.system.key, "environment": "production"}
    seen = {}
    for person in (led, world.people["auditor"]):
        browser = APIClient()
        browser.force_login(person)
        seen[person.username] = len(browser.get("/api/v1/deployments", query).json()["admissions"])
    assert list(seen.values()) == [0, 1]


# The way back.


@pytest.fixture
@kept_scene
def bad(world: World) -> Release:
    """A release that gates let into production after r1, and which does harm there."""
    protect(world)
    second = second_release(world)
    deploy(world.release)
    deploy(second)
    return second


def test_going_back_needs_a_reason_and_no_pass(world: World, bad: Release) -> None:
    back = go_back(world)
    first = Deployment.objects.get(release=world.release, basis="decision")
    (admission,) = back.admissions.all()
    assert (back.basis, back.restores, back.reason) == ("rollback", first, "r2 invents fees")
    assert admission.decision == first.admissions.get().decision
    assert (admission.verdict, admission.unmet[0]["criterion"]) == ("insufficient", "r/c")
    assert replay_admission(admission).agrees
    event = AuditEvent.objects.get(verb="release.rolled_back")
    assert (event.object_id, event.actor) == (str(back.pk), "user:oncall")
    with pytest.raises(InvalidInput, match="give a reason"):
        go_back(world, reason=" ")


def test_there_is_no_way_forward_again_without_the_gate(world: World, bad: Release) -> None:
    go_back(world)
    with pytest.raises(RollbackRefused, match="r1 is live"):
        go_back(world, bad)
    decided = GateDecision.objects.filter(release=bad).latest("pk")
    assert (decided.verdict, refusal(world, bad)["code"]) == ("pass", "passes_no_more")


def test_two_steps_back_are_one_way(world: World, bad: Release) -> None:
    worse = second_release(world, "r3")
    deploy(worse)
    assert go_back(world, bad).basis == "rollback"
    assert go_back(world).restores == Deployment.objects.get(release=world.release, basis="decision")


def test_what_gates_never_let_in_there_is_no_way_back(world: World) -> None:
    record(world)  # before the gate protected it
    protect(world)
    second = second_release(world)
    deploy(second)
    with pytest.raises(RollbackRefused, match="did not let r1 in"):
        go_back(world)
    with pytest.raises(RollbackRefused, match="No gate protects staging"):
        go_back(world, environment="staging")


def test_a_rollback_is_of_what_is_live_and_does_not_rewrite_what_was(world: World, bad: Release) -> None:
    since = Deployment.objects.get(release=bad).effective_from
    with pytest.raises(RollbackRefused, match="r2 is live in production since"):
        go_back(world, effective_from=since - timedelta(microseconds=1))
    with pytest.raises(InvalidInput, match="lies ahead"):
        go_back(world, effective_from=timezone.now() + timedelta(hours=1))


def test_a_rollback_said_again_answers_the_same_and_for_another_reason_conflicts(
    world: World, bad: Release
) -> None:
    at = timezone.now()
    back = go_back(world, effective_from=at)
    assert go_back(world, effective_from=at) == back
    with pytest.raises(ConflictingContent):
        go_back(world, effective_from=at, reason="another")
    with pytest.raises(ConflictingContent):
        record(world, effective_from=at)


# What changed, and goes suspect.


def test_what_was_measured_on_a_version_that_left_goes_suspect(
    world: World, bad: Release, api: APIClient
) -> None:
    finding = make_finding(world, Role.SUPPORTING)
    query = {"system": world.system.key, "environment": "production"}
    told = api.get("/api/v1/deployments", query, **world.headers(Scope.READ)).json()
    assert (told["release"], told["replaces"]["release"], told["suspect_evidence"]) == ("r2", "r1", [])
    (change,) = told["changed"]
    digests = [each.pins.get(slot="model").version.digest for each in (world.release, bad)]
    assert (change["slot"], change["before"], change["after"]) == ("model", *digests)
    researcher = APIClient()
    researcher.force_login(world.people["researcher"])
    assert researcher.get("/api/v1/deployments", query).json()["suspect_evidence"] == [finding.pk]


# The doors.


def test_the_api_says_what_is_unmet_and_what_to_do(measured: World, api: APIClient) -> None:
    body = {
        "system": measured.system.key, "environment": "production", "release": "r1",
        "effective_from": timezone.now().isoformat(),
    }  # fmt: skip
    token = measured.headers(Scope.IMPORT)
    answer = api.post("/api/v1/deployments", body, format="json", **token)
    assert (answer.status_code, answer.json()["code"]) == (409, "promotion_refused")
    assert "Gate release, version 1: the gate was not asked about the release" in answer.json()["detail"]
    assert answer.json()["gates"][0]["code"] == "not_decided"
    decision = decide(measured)
    answer = api.post("/api/v1/deployments", {**body, "decision": decision.pk}, format="json", **token)
    assert (answer.status_code, answer.json()["basis"]) == (201, "decision")
    assert answer.json()["admissions"][0]["decision"] == decision.pk


def test_the_gate_says_what_it_protects_and_the_approver_sees_what_was_dropped(
    measured: World, client: Client
) -> None:
    listed = APIClient().get("/api/v1/gates", **measured.headers(Scope.READ)).json()["results"]
    assert [version["protects"] for version in listed] == [["production"]]
    weaker = gates.propose_gate(
        principal=acting(), system=measured.system, key="release", references=[REFERENCE]
    )
    client.force_login(measured.people["approver"])
    page = client.get(reverse("admin:evidence_artefactversion_change", args=[weaker.pk])).content.decode()
    assert "protects production" in page
    assert "dropped" in page


def test_a_person_goes_back_on_the_page_of_what_stood_there(
    world: World, bad: Release, client: Client
) -> None:
    first, second = (Deployment.objects.get(release=release) for release in (world.release, bad))
    address = reverse("admin:evidence_deployment_change", args=[first.pk])
    client.force_login(world.people["author"])
    assert "Go back to this" in client.get(address).content.decode()
    page = client.get(reverse("admin:evidence_deployment_change", args=[second.pk])).content.decode()
    assert "Go back to this" not in page
    client.post(address, {"step": "restored", "reason": "r2 invents fees"})
    back = Deployment.objects.latest("pk")
    assert (back.basis, back.restores, back.replaces) == ("rollback", first, second)
    client.force_login(world.people["auditor"])
    shown = client.get(reverse("admin:evidence_deployment_change", args=[back.pk])).content.decode()
    assert "r2 invents fees" in shown
    assert "Go back to this" not in client.get(address).content.decode()
