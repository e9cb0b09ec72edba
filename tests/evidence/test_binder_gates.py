"""A binder says who let each gate decide as it did, and the verifier takes no producer at its word."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from evidence.access import principal_of_user
from evidence.actors import actor_of_token, find_token
from evidence.models import Binder, GateDecision, Scope
from evidence.services import gates
from tests.client.binders import unpack
from tests.evidence.binder_world import Filled, archive_of, export, verify
from tests.evidence.forged import Lines, verify_forged
from tests.evidence.kept_binders import Export, KeptBinder
from tests.factories import World, acting
from tests.requirements.builders import make_criterion, make_trace

LATER = "2199-01-01T00:00:00Z"


pytestmark = pytest.mark.django_db  # without it, no database is made for the kept binder


@pytest.fixture
def decision(world: World) -> GateDecision:
    return decide(world)


@pytest.fixture(scope="module")
def honest(keep_binder: Callable[[Export], KeptBinder]) -> KeptBinder:
    """The binder of `decision`."""

    def decide_and_pack(world: World) -> Binder:
        decide(world)
        return packed(world)

    return keep_binder(decide_and_pack)


def decide(world: World) -> GateDecision:
    """A pass by a version that the author proposed, through a token too, and the approver approved."""
    make_criterion(world)
    traces = [make_trace(world) for _ in range(14)]
    author = world.principal("author")
    references = [gates.CriterionReference(requirement="r")]
    version = gates.propose_gate(principal=author, system=world.system, key="release", references=references)
    gates.settle_gate_proposal(principal=world.principal("approver"), version=version, to_state="approved")
    made = gates.decide_gate(principal=acting(), system=world.system, gate="release", release=world.release)
    assert (made.verdict, len(traces)) == ("pass", 14)
    return made


def packed(world: World) -> Binder:
    return export(Filled(world, world.release.traces.latest("pk"), timezone.now()), as_of=None)


def completeness(report: Any) -> str:
    return str({line.name: line.detail for line in report.lines}["completeness"])


def test_a_decision_in_a_binder_says_who_approved_its_gate_and_verifies(
    world: World, decision: GateDecision, tmp_path: Path
) -> None:
    archive = archive_of(packed(world))
    shown = json.loads(unpack(archive)[f"data/gates/{decision.pk}.json"])
    assert (shown["gateState"], shown["gateApprovedBy"]) == ("approved", world.principal("approver").actor)
    assert shown["gateProposals"] == [{"by": world.principal("author").actor}]
    report = verify(tmp_path, archive)
    assert report.problems == []
    assert "; 1 gate decisions;" in completeness(report)


def _by_themselves(rows: Lines) -> None:
    rows[0]["gateProposals"].append({"by": rows[0]["gateApprovedBy"]})


def _by_nobody(rows: Lines) -> None:
    rows[0]["gateProposals"] = []


def _only_later(rows: Lines) -> None:
    rows[0]["gateSince"] = LATER


def _silent(rows: Lines) -> None:
    for name in ("gateState", "gateSince", "gateProposals", "gateApprovedBy"):
        del rows[0][name]


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (_by_themselves, "proposed themselves"),
        (_by_nobody, "nobody is said to have proposed"),
        (_only_later, "before it was approved"),
        (_silent, "gateState"),
    ],
)
def test_a_gate_that_no_second_person_approved_in_time_is_found_out(
    honest: KeptBinder, tmp_path: Path, edit: Callable[[Lines], None], told: str
) -> None:
    path = honest.only("gates/")
    report = verify_forged(tmp_path, honest, {path: edit})
    (problem,) = report.problems
    assert (report.exit_code in {1, 2}, problem.member) == (True, f"data/{path}")
    assert told in problem.detail


def test_an_approval_by_the_person_whose_token_proposed_is_found_out(
    world: World, decision: GateDecision, tmp_path: Path
) -> None:
    approver = world.people["approver"]
    approver.groups.add(*world.people["author"].groups.all())
    world.people["author"] = approver  # who owns what proposes in this world
    token = find_token("token:" + world.token(Scope.IMPORT).split("_")[1])
    assert token is not None
    actor, person = actor_of_token(token), principal_of_user(approver).actor

    def by_token(rows: Lines) -> None:
        rows[0]["gateProposals"] = [{"by": actor}]

    def names_token(rows: Lines) -> None:
        rows[0]["tokens"].append({"actor": actor, "actsFor": person})

    edits = {f"gates/{decision.pk}.json": by_token, "people.json": names_token}
    (problem,) = verify_forged(tmp_path, packed(world), edits).problems
    assert "proposed themselves" in problem.detail


@pytest.mark.parametrize("since", [None, LATER])
def test_a_pass_of_a_release_with_an_unregistered_version_is_found_out(
    honest: KeptBinder, tmp_path: Path, since: str | None
) -> None:
    def unregister(rows: Lines) -> None:
        rows[0] |= {"registered": since is not None, "registeredAt": since}

    model = honest.only("versions/model-")
    (problem,) = verify_forged(tmp_path, honest, {model: unregister}).problems
    assert problem.member == f"data/{honest.only('gates/')}"
    assert f"before data/{model} was registered" in problem.detail


def test_decisions_by_an_adopted_version_are_counted_as_such(honest: KeptBinder, tmp_path: Path) -> None:
    def adopt(rows: Lines) -> None:
        rows[0] |= {"gateState": "adopted", "gateApprovedBy": None}

    report = verify_forged(tmp_path, honest, {honest.only("gates/"): adopt})
    assert report.problems == []
    assert "1 by versions that nobody approved (adopted)" in completeness(report)
