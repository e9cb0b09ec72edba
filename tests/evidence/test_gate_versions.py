"""A version of a gate is proposed by one person and decides once another has approved it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from evidence import clock
from evidence.access import Principal, principal_of_user
from evidence.actors import find_token
from evidence.digests import digest_of
from evidence.errors import AccessDenied, ConflictingContent, GateNotApproved, InvalidInput
from evidence.models import ArtefactVersion, AuditEvent, GateDecision, Registration, Scope
from evidence.services import gates, registry
from evidence.services.gates import CriterionReference
from tests import factories
from tests.evidence.test_gates import assessor, say
from tests.factories import World, acting
from tests.in_flight import in_flight

STRICT, WEAK = CriterionReference(requirement="strict"), CriterionReference(requirement="weak")


@pytest.fixture(autouse=True)
def _assessor(settings: Any) -> None:
    settings.GATE_ASSESSOR = f"{assessor.__module__}.assessor"
    say("met")


def propose(world: World, *references: CriterionReference, by: Principal | None = None) -> ArtefactVersion:
    return gates.propose_gate(
        principal=by or world.principal("author"), system=world.system, key="release", references=references
    )


def settle(world: World, version: ArtefactVersion, to_state: str = "approved", **over: Any) -> None:
    arguments = {"principal": world.principal("approver"), "reason": "checked", **over}
    gates.settle_gate_proposal(version=version, to_state=to_state, **arguments)


def decide(world: World) -> GateDecision:
    return gates.decide_gate(
        principal=acting("token:ci"), system=world.system, gate="release", release=world.release
    )


def adopt(world: World, *references: CriterionReference) -> ArtefactVersion:
    """Leave what a server of before wrote when somebody posted a gate."""
    metadata = {
        "criteria": [
            {"requirement": each.requirement, "criterion": "", "version": None, "baseline": ""}
            for each in references
        ]
    }
    version = registry.ensure_version(
        system=world.system, kind="gate", key="release", label="", digest=digest_of(metadata), actor="user:ana",
        metadata=metadata,
    )  # fmt: skip
    Registration.objects.create(version=version, registered_by="user:ana", reason="gate defined")
    return version


def test_a_gate_that_nobody_approved_is_refused_by_name(world: World) -> None:
    version = propose(world, STRICT)
    with pytest.raises(GateNotApproved, match=r"'release'.*approver"):
        decide(world)
    settle(world, version)
    assert decide(world).verdict == "pass"


def test_each_step_is_an_event_of_whoever_took_it(world: World) -> None:
    version = propose(world, STRICT)
    settle(world, version)
    events = AuditEvent.objects.filter(verb__startswith="gate_version.").order_by("pk")
    assert [(event.verb, event.actor, event.object_digest) for event in events] == [
        ("gate_version.proposed", world.principal("author").actor, version.digest),
        ("gate_version.approved", world.principal("approver").actor, version.digest),
    ]


def test_nobody_approves_what_they_proposed_or_had_a_token_propose(world: World) -> None:
    approver = world.people["approver"]
    approver.groups.add(*world.people["author"].groups.all())
    own = propose(world, STRICT, by=principal_of_user(approver))
    with pytest.raises(AccessDenied, match="second person"):
        settle(world, own)
    world.people["author"] = approver  # who owns what proposes in this world
    token = find_token("token:" + world.token(Scope.IMPORT).split("_")[1])
    assert token is not None
    by_token = gates.propose_gate(
        principal=acting(f"token:{token.prefix}"), system=world.system, key="other", references=[STRICT]
    )
    with pytest.raises(AccessDenied, match="second person"):
        settle(world, by_token)


def test_whoever_proposed_it_before_it_was_declined_does_not_approve_it_later(world: World) -> None:
    approver = world.people["approver"]
    approver.groups.add(*world.people["author"].groups.all())
    version = propose(world, STRICT, by=principal_of_user(approver))
    settle(world, version, "withdrawn", principal=principal_of_user(approver))
    assert propose(world, STRICT) == version
    with pytest.raises(AccessDenied, match="second person"):
        settle(world, version)


def test_a_token_approves_nothing_whatever_its_scopes(world: World) -> None:
    version = propose(world, STRICT)
    api = APIClient(**world.headers(*Scope))
    path = f"/api/v1/gates/release/versions/{version.number}/transitions"
    answer = api.post(path, {"system": world.system.key, "to_state": "approved"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (403, "access_denied")


def test_the_version_approved_last_decides_and_the_same_criteria_again_change_nothing(world: World) -> None:
    first = propose(world, STRICT)
    assert propose(world, STRICT) == first
    settle(world, first)
    assert propose(world, STRICT) == first
    second = propose(world, WEAK)
    assert decide(world).gate_version == first
    settle(world, second)
    assert decide(world).gate_version == second


def test_a_clock_that_is_set_back_leaves_the_last_approval_the_last(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(world, propose(world, WEAK))
    with monkeypatch.context() as patched:
        earlier = clock.now() - timedelta(seconds=30)
        patched.setattr(clock, "now", lambda: earlier)
        settle(world, propose(world, STRICT))
    assert decide(world).gate_version.number == 2


def test_going_back_to_earlier_criteria_is_approved_too(world: World) -> None:
    for references in ((WEAK,), (STRICT,)):
        settle(world, propose(world, *references))
    back = propose(world, WEAK)
    assert back.number == 3
    assert decide(world).gate_version.number == 2


def test_a_proposal_that_replaces_another_version_than_the_one_that_decides_is_not_approved(
    world: World,
) -> None:
    settle(world, propose(world, STRICT))
    late, early = propose(world, WEAK), propose(world, STRICT, WEAK)
    settle(world, early)
    with pytest.raises(ConflictingContent, match="propose its content again"):
        settle(world, late)
    again = propose(world, WEAK)
    assert again.number == 4
    settle(world, again)


def test_a_declined_version_is_told_why_and_only_its_proposer_withdraws(world: World) -> None:
    version = propose(world, WEAK)
    with pytest.raises(InvalidInput, match="Say why"):
        settle(world, version, "declined", reason=" ")
    with pytest.raises(AccessDenied, match="Somebody else proposed"):
        settle(world, version, "withdrawn", principal=acting("user:cai"))
    settle(world, version, "declined", reason="asks too little")
    settle(world, version, "declined")  # the same again changes nothing
    with pytest.raises(ConflictingContent, match="is declined"):
        settle(world, version)
    assert [move.reason for move in version.gate_transitions.order_by("pk")] == ["", "asks too little"]
    with pytest.raises(InvalidInput, match="approved, declined, withdrawn"):
        settle(world, version, "proposed")


def test_a_gate_of_before_decides_as_adopted_until_a_version_is_approved(world: World) -> None:
    adopt(world, WEAK)
    newest = adopt(world, WEAK, STRICT)
    decision = decide(world)
    assert decision.gate_version == newest
    assert "approval" not in decision.inputs
    settle(world, propose(world, STRICT))
    later = decide(world)
    assert later.gate_version.number == 3
    assert later.inputs["approval"]["approved_by"] == world.principal("approver").actor
    assert gates.replay_gate_decision(decision).agrees


def test_what_an_adopted_version_asks_for_can_be_approved_as_it_is(world: World) -> None:
    adopt(world, STRICT)
    version = propose(world, STRICT)
    assert (version.number, propose(world, STRICT)) == (2, version)
    settle(world, version)
    assert decide(world).inputs["approval"]["state"] == "approved"
    assert propose(world, STRICT) == version


def test_a_decision_replays_by_the_version_that_decided_then(world: World) -> None:
    settle(world, propose(world, STRICT))
    decision = decide(world)
    settle(world, propose(world, WEAK))
    assert gates.replay_gate_decision(decision).agrees


@pytest.mark.django_db(transaction=True)
def test_an_approval_that_is_not_committed_yet_decides_nothing_then_nor_in_a_replay() -> None:
    world = factories.make_world()
    settle(world, propose(world, STRICT))
    weak = propose(world, WEAK)
    principal = world.principal("approver")
    with in_flight(
        lambda: gates.settle_gate_proposal(principal=principal, version=weak, to_state="approved")
    ):
        decision = decide(world)
    assert decision.gate_version.number == 1
    assert gates.replay_gate_decision(decision).agrees


def test_a_decision_by_api_says_since_when_its_gate_stands_and_by_whom(world: World, api: APIClient) -> None:
    settle(world, propose(world, STRICT))
    body = {"system": world.system.key, "release": "r1"}
    told = api.post(
        "/api/v1/gates/release/decisions", body, format="json", **world.headers(Scope.GATE)
    ).json()
    assert told["gate_standing"] | {"since": ""} == {
        "state": "approved",
        "proposed_by": [world.principal("author").actor],
        "approved_by": world.principal("approver").actor,
        "since": "",
    }
    assert told["gate_standing"]["since"] < told["decided_at"]


def test_what_waits_for_an_approver_is_listed_by_api(world: World, api: APIClient) -> None:
    settle(world, propose(world, STRICT))
    propose(world, WEAK)
    rows = api.get("/api/v1/gates", {"state": "proposed"}, **world.headers(Scope.READ)).json()["results"]
    assert [(row["key"], row["number"], row["decides"]) for row in rows] == [("release", 2, False)]
    assert rows[0]["replaces"] == ArtefactVersion.objects.get(artefact__kind="gate", number=1).digest
    assert [step["to_state"] for step in rows[0]["transitions"]] == ["proposed"]
    deciding = api.get("/api/v1/gates", {"state": "approved"}, **world.headers(Scope.READ)).json()["results"]
    assert [(row["number"], row["decides"]) for row in deciding] == [(1, True)]
