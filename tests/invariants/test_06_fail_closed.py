"""Missing, stale, suspect, under-powered, mis-versioned or unscored evidence is never a pass."""

from __future__ import annotations

from typing import Any

import pytest

from evidence import clock
from evidence.models import GateDecision
from evidence.services.gates import CriterionReference, decide_gate
from requirements.checks import known_checks
from requirements.models import Assessment, RequirementVersion
from requirements.services.assessment import evaluate
from requirements.services.baselines import freeze_baseline
from requirements.services.requirements import import_requirements
from requirements.starter import read_starter
from tests.factories import World, acting, define_gate
from tests.invariants.test_07_supporting_only import criterion_with
from tests.requirements.builders import APPROVER, AUTHOR, approve, make_criterion

pytestmark = pytest.mark.django_db

NOT_A_PASS = {
    Assessment.Verdict.NOT_MET,
    Assessment.Verdict.INSUFFICIENT,
    Assessment.Verdict.STALE,
    Assessment.Verdict.NOT_ASSESSED,
}


@pytest.mark.parametrize("name", sorted(known_checks()))
def test_no_check_passes_on_no_evidence(world: World, name: str) -> None:
    make_criterion(world)
    criterion = criterion_with(world, name)
    judged = evaluate(criterion=criterion, release=world.release, as_of=clock.read_moment())
    assert judged.judgement.verdict in NOT_A_PASS
    assert judged.judgement.detail, "the verdict says why"


def test_the_starter_gate_does_not_pass_an_empty_store(world: World) -> None:
    import_requirements(
        system=world.system, source=read_starter(), file_name="starter.yaml", principal=acting(AUTHOR)
    )
    versions = list(RequirementVersion.objects.all())
    for version in versions:
        approve(version)
    freeze_baseline(system=world.system, name="starter", versions=versions, principal=acting(APPROVER))
    define_gate(
        system=world.system, key="g", references=[CriterionReference(baseline="starter")], principal=acting()
    )
    decision = decide_gate(system=world.system, gate="g", release=world.release, principal=acting())
    assert decision.verdict != GateDecision.Verdict.PASS
    assert len(decision.reasons) == 6


def test_a_criterion_nobody_approved_passes_nothing(world: World) -> None:
    criterion = make_criterion(world, approved=False)
    references = [CriterionReference(requirement=criterion.version.requirement.key)]
    define_gate(system=world.system, key="g", references=references, principal=acting())
    decision = decide_gate(system=world.system, gate="g", release=world.release, principal=acting())
    assert decision.verdict == GateDecision.Verdict.INSUFFICIENT


def test_every_verdict_but_met_keeps_a_gate_shut() -> None:
    from evidence.services.gates.decision import _verdict  # the rule itself, over every verdict there is

    for verdict in NOT_A_PASS:
        reasons: list[dict[str, Any]] = [
            {"verdict": "met", "waiver": None},
            {"verdict": verdict, "waiver": None},
        ]
        assert _verdict(reasons) != GateDecision.Verdict.PASS
    assert _verdict([]) != GateDecision.Verdict.PASS
