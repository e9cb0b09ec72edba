"""A binder says which decisions let a release into a protected environment, and both verifiers look at them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from evidence.models import Binder, Deployment, GateDecision
from evidence.services import deployments, gates
from evidence.services.gates import CriterionReference
from tests.client.binders import unpack
from tests.evidence.binder_world import Filled, archive_of, export, verify
from tests.evidence.forged import Lines, verify_forged
from tests.evidence.kept_binders import Export, KeptBinder
from tests.factories import World, acting, define_gate, deploy, second_release
from tests.requirements.builders import make_trace

RELEASE = "versions/release.json"
EARLIER, LATER = "2020-01-01T00:00:00Z", "2199-01-01T00:00:00Z"


pytestmark = pytest.mark.django_db  # without it, no database is made for the kept binder


@pytest.fixture
def back(world: World) -> Deployment:
    return roll_back(world)


@pytest.fixture(scope="module")
def honest(keep_binder: Callable[[Export], KeptBinder]) -> KeptBinder:
    """The binder of `back`."""

    def roll_back_and_pack(world: World) -> Binder:
        roll_back(world)
        return packed(world)

    return keep_binder(roll_back_and_pack)


def roll_back(world: World) -> Deployment:
    """A rollback to r1, which a gate had let in, from r2, which it let in after that."""
    make_trace(world)
    define_gate(
        system=world.system,
        key="release",
        references=[CriterionReference(requirement="r", criterion="c")],
        protects=["production"],
    )
    deploy(world.release, "staging")
    deploy(world.release)
    deploy(second_release(world))
    return deployments.roll_back(
        principal=acting(), system=world.system, environment="production", release=world.release,
        effective_from=timezone.now(), reason="r2 invents fees",
    )  # fmt: skip


def packed(world: World) -> Binder:
    return export(Filled(world, world.release.traces.latest("pk"), timezone.now()), as_of=None)


def test_deployments_in_a_binder_say_why_they_could_be_recorded_and_verify(
    world: World, back: Deployment, tmp_path: Path
) -> None:
    archive = archive_of(packed(world))
    told = json.loads(unpack(archive)[f"data/{RELEASE}"])["deployments"]
    assert [each["basis"] for each in told] == ["open", "decision", "rollback"]
    decision = GateDecision.objects.get(release=world.release)
    (admission,) = told[1]["admissions"]
    assert (admission["gate"], admission["decision"], admission["verdict"]) == (
        "release",
        str(decision.pk),
        "pass",
    )
    assert (told[2]["restores"], told[2]["inPlaceOf"]) == (told[1]["id"], "r2")
    assert (told[2]["reason"], told[2]["admissions"][0]["unmet"][0]["criterion"]) == (
        "r2 invents fees",
        "r/c",
    )
    report = verify(tmp_path, archive)
    assert report.problems == []
    detail = {line.name: line.detail for line in report.lines}["completeness"]
    assert "; 1 deployments by decision, 1 rollbacks;" in detail


def _deployment(number: int, **change: Any) -> Callable[[Lines], None]:
    return lambda rows: rows[0]["deployments"][number].update(change)


def _admission(**change: Any) -> Callable[[Lines], None]:
    return lambda rows: rows[0]["deployments"][1]["admissions"][0].update(change)


def _silent(rows: Lines) -> None:
    del rows[0]["deployments"][0]["basis"]


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (_deployment(1, admissions=[]), "names no gate"),
        (_admission(decision="999"), "is not here"),
        (_admission(gateDigest="0" * 64), "another version of the gate"),
        (_admission(verdict="fail"), "without a pass"),
        (_admission(asOf=EARLIER), "made later"),
        (_deployment(2, reason=" "), "without a reason"),
        (_deployment(2, restores="999"), "no gate had let in"),
        (_deployment(2, environment="staging"), "no gate had let in"),
        (_deployment(2, effectiveFrom=EARLIER), "came later"),
        (_deployment(1, basis="open"), "is 'open', with 1 admissions"),
        (_deployment(0, basis="trust me"), "is 'trust me'"),
        (_silent, "basis"),
    ],
)
def test_a_deployment_that_no_pass_let_in_is_found_out(
    honest: KeptBinder, tmp_path: Path, edit: Callable[[Lines], None], told: str
) -> None:
    (problem,) = verify_forged(tmp_path, honest, {RELEASE: edit}).problems
    assert problem.member == f"data/{RELEASE}"
    assert told in problem.detail


@pytest.mark.parametrize("verdict", ["fail", "insufficient"])
def test_a_decision_that_was_no_pass_lets_nothing_in(
    honest: KeptBinder, tmp_path: Path, verdict: str
) -> None:
    (admission,) = honest.document(RELEASE)["deployments"][1]["admissions"]
    path = f"gates/{admission['decision']}.json"
    (problem,) = verify_forged(
        tmp_path, honest, {path: lambda rows: rows[0].update(verdict=verdict)}
    ).problems
    assert "without a pass" in problem.detail


def test_a_later_decision_that_failed_and_was_passed_over_is_found_out(
    world: World, back: Deployment, tmp_path: Path
) -> None:
    later = gates.decide_gate(principal=acting(), system=world.system, gate="release", release=world.release)
    assert later.verdict == "insufficient"
    (problem,) = verify_forged(tmp_path, packed(world), {RELEASE: _admission(asOf=LATER)}).problems
    assert "not the newest of its gate" in problem.detail
