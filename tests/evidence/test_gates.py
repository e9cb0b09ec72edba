from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from evidence.access import principal_of_user
from evidence.errors import ConflictingContent, InvalidInput, NotFound
from evidence.models import AuditEvent, GateDecision, Membership, Scope, Waiver, WaiverRequest
from evidence.services.gates import (
    CriterionFinding,
    CriterionReference,
    ask_waiver,
    decide_gate,
    replay_gate_decision,
)
from tests import factories
from tests.factories import World, acting, ask_for_waiver, define_gate, grant_waiver, waive

FINDINGS: list[CriterionFinding] = []  # what the assessor below says; each test sets it


def say(*verdicts: str) -> None:
    FINDINGS[:] = [
        CriterionFinding(
            f"r{index}/c", f"r{index} v1", verdict, "because", "0" * 64, "assess/1", counts_reviews=False
        )
        for index, verdict in enumerate(verdicts)
    ]


def assessor(**_: Any) -> Sequence[CriterionFinding]:
    return list(FINDINGS)


@pytest.fixture(autouse=True)
def _assessor(settings: Any) -> None:
    settings.GATE_ASSESSOR = "tests.evidence.test_gates.assessor"
    say()


def decide(world: World, actor: str = "token:ci") -> GateDecision:
    define_gate(
        system=world.system,
        key="release",
        references=[CriterionReference(requirement="r0")],
        principal=acting("user:ana"),
    )
    return decide_gate(system=world.system, gate="release", release=world.release, principal=acting(actor))


@pytest.mark.parametrize(
    ("verdicts", "decision"),
    [
        (["met", "met"], "pass"),
        (["met", "not_met"], "fail"),
        (["not_met", "insufficient"], "fail"),
        (["met", "insufficient"], "insufficient"),
        (["met", "stale"], "insufficient"),
        (["met", "not_assessed"], "insufficient"),
        (["met", "a verdict of tomorrow"], "insufficient"),
        ([], "insufficient"),
    ],
)
def test_only_met_passes_and_anything_missing_is_insufficient(
    world: World, verdicts: list[str], decision: str
) -> None:
    say(*verdicts)
    assert decide(world).verdict == decision


def test_a_decision_carries_its_reasons_and_its_audit_event(world: World) -> None:
    say("met", "not_met")
    decision = decide(world)
    assert [reason["criterion"] for reason in decision.reasons] == ["r0/c", "r1/c"]
    assert all(reason["detail"] for reason in decision.reasons)
    assert AuditEvent.objects.get(verb="gate.decided").object_digest == decision.inputs_digest


def test_asking_again_while_nothing_changed_answers_the_same(world: World) -> None:
    say("met")
    first = decide(world)
    assert decide(world) == first
    say("not_met")
    assert decide(world) != first


def test_a_gate_that_asks_for_nothing_cannot_be_defined(world: World) -> None:
    with pytest.raises(InvalidInput):
        define_gate(system=world.system, key="release", references=[], principal=acting("user:ana"))
    with pytest.raises(InvalidInput):
        define_gate(
            system=world.system,
            key="release",
            references=[CriterionReference()],
            principal=acting("user:ana"),
        )


def test_a_gate_of_more_criteria_than_are_allowed_is_refused_and_the_limit_named(
    world: World, settings: Any
) -> None:
    settings.MAX_CRITERIA = 1
    references = [CriterionReference(requirement=key) for key in ("r0", "r1")]
    with pytest.raises(InvalidInput, match="2 are named, and TRACEBINDER_MAX_CRITERIA allows 1"):
        define_gate(system=world.system, key="release", references=references, principal=acting("user:ana"))


def test_a_gate_nobody_defined_is_not_found(world: World) -> None:
    with pytest.raises(NotFound, match="release"):
        decide_gate(system=world.system, gate="release", release=world.release, principal=acting("token:ci"))


def test_a_changed_gate_is_a_new_version_and_decides(world: World) -> None:
    say("met")
    first = decide(world)
    define_gate(
        system=world.system,
        key="release",
        references=[CriterionReference(baseline="b")],
        principal=acting("user:ana"),
    )
    second = decide_gate(
        system=world.system, gate="release", release=world.release, principal=acting("token:ci")
    )
    assert (first.gate_version.number, second.gate_version.number) == (1, 2)


def test_a_waiver_lets_one_criterion_past_and_is_shown(world: World) -> None:
    say("not_met", "met")
    waiver = waive(world, "r0/c")
    decision = decide(world)
    assert decision.verdict == "pass"
    assert decision.reasons[0]["waiver"]["id"] == waiver.pk
    assert decision.reasons[0]["verdict"] == "not_met"  # what was found stays said
    say("not_met", "not_met")
    assert decide(world).verdict == "fail"


def unmet_as(world: World, verdict: str) -> GateDecision:
    say(verdict)
    return decide(world)


def ask_here(world: World) -> WaiverRequest:
    """Ask for a waiver of what the gate found unmet when it was last asked."""
    return ask_waiver(
        principal=world.principal("author"), release=world.release, criterion_ref="r0/c", reason="small sample",
        expires_at=timezone.now() + timedelta(days=7),
    )  # fmt: skip


def test_what_was_waived_as_not_known_yet_is_not_waived_once_it_fails(world: World) -> None:
    unmet_as(world, "insufficient")
    grant_waiver(ask_here(world), world.principal("approver"))
    assert unmet_as(world, "stale").verdict == "pass"
    failed = unmet_as(world, "not_met")
    assert failed.verdict == "fail"
    assert "does not cover this" in failed.reasons[0]["detail"]
    assert replay_gate_decision(failed).agrees
    grant_waiver(
        ask_here(world), world.principal("approver")
    )  # of the fail, which is another thing to accept
    assert decide(world).verdict == "pass"


def test_a_waiver_that_was_asked_for_before_it_failed_is_not_granted_any_more(world: World) -> None:
    unmet_as(world, "insufficient")
    asked = ask_here(world)
    unmet_as(world, "not_met")
    with pytest.raises(ConflictingContent, match="is known to fail"):
        grant_waiver(asked, world.principal("approver"))
    assert ask_here(world) != asked


def test_a_waiver_of_one_version_of_a_requirement_is_none_of_the_next(world: World) -> None:
    unmet_as(world, "not_met")
    grant_waiver(ask_here(world), world.principal("approver"))
    assert decide(world).verdict == "pass"
    FINDINGS[:] = [replace(FINDINGS[0], requirement="r0 v2")]
    assert decide(world).verdict == "fail"


def test_a_decision_of_before_replays_by_the_waivers_of_before(world: World) -> None:
    unmet_as(world, "insufficient")
    grant_waiver(ask_here(world), world.principal("approver"))
    passed = decide(world)
    say("not_met")
    for code, verdict in (("gate/3", "pass"), ("gate/4", "fail")):
        passed.code_version = code
        assert replay_gate_decision(passed).replayed_verdict == verdict


def test_an_expired_waiver_no_longer_counts(world: World) -> None:
    say("not_met")
    now = timezone.now()
    Waiver.objects.create(
        system=world.system, release=world.release, criterion_ref="r0/c", reason="r", requested_by="user:ana",
        approved_by="user:bob", expires_at=now - timedelta(seconds=1),
    )  # fmt: skip
    assert decide(world).verdict == "fail"


def test_whoever_asks_the_gate_does_not_pass_it_with_their_own_waiver(world: World) -> None:
    say("not_met")
    both = factories.make_person("both", "approver", "operator")
    Membership.objects.create(system=world.system, user=both)
    grant_waiver(ask_for_waiver(world, "r0/c"), principal_of_user(both))
    world.people["operator"] = both
    operator = "user:both"
    token = "token:" + world.token(Scope.GATE).split("_")[1]  # owned by the operator
    assert decide(world, actor=operator).verdict == "fail"
    assert decide(world, actor=token).verdict == "fail"
    assert decide(world, actor="token:someone-else").verdict == "pass"


def test_a_decision_replays(world: World) -> None:
    say("not_met", "met")
    waive(world, "r0/c")
    decision = decide(world)
    assert replay_gate_decision(decision).agrees
    say("met", "met")
    replay = replay_gate_decision(decision)
    assert not replay.agrees
    assert "inputs" in replay.explain()


def test_ci_asks_by_api(world: World, api: APIClient) -> None:
    say("met", "insufficient")
    define_gate(
        system=world.system,
        key="release",
        references=[CriterionReference(requirement="r0")],
        principal=acting("user:ana"),
    )
    body = {"system": "credit-assistant", "release": "r1"}
    answer = api.post("/api/v1/gates/release/decisions", body, format="json", **world.headers(Scope.GATE))
    assert answer.status_code == 201, answer.content
    decided = answer.json()
    assert (decided["verdict"], decided["gate"], decided["gate_version"]) == ("insufficient", "release", 1)
    assert {"criterion", "requirement", "verdict", "detail"} <= set(decided["reasons"][0])
    assert {"id", "inputs_digest", "code_version", "decided_at"} <= set(decided)
    refused = api.post("/api/v1/gates/release/decisions", body, format="json", **world.headers(Scope.READ))
    assert refused.status_code == 403
    unknown = api.post("/api/v1/gates/none/decisions", body, format="json", **world.headers(Scope.GATE))
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
