"""The gate and the assessor together, through the setting that joins them."""

from __future__ import annotations

import pytest

from evidence.errors import ConflictingContent
from evidence.models import GateDecision
from evidence.services.gates import (
    CriterionReference,
    decide_gate,
    propose_gate,
    replay_gate_decision,
    settle_gate_proposal,
)
from requirements.models import Assessment
from requirements.services.baselines import freeze_baseline
from requirements.services.requirements import import_requirements
from requirements.starter import read_starter
from tests.factories import World, acting, define_gate
from tests.requirements.builders import (
    APPROVER,
    AUTHOR,
    approve,
    make_criterion,
    make_traces,
    requirement_file,
)


def decide(world: World, *references: CriterionReference) -> GateDecision:
    define_gate(system=world.system, key="release", references=references, principal=acting(APPROVER))
    return decide_gate(
        system=world.system, gate="release", release=world.release, principal=acting("token:ci")
    )


def test_a_release_that_meets_its_criteria_passes_and_replays(world: World) -> None:
    make_criterion(world)
    make_traces(world, 14)
    decision = decide(world, CriterionReference(requirement="r"))
    assert decision.verdict == "pass"
    assert decision.inputs["findings"][0]["inputs"] == Assessment.objects.get().inputs_digest
    stored = Assessment.objects.count()
    assert replay_gate_decision(decision).agrees
    assert Assessment.objects.count() == stored  # a replay writes nothing


def test_a_requirement_nobody_approved_passes_nothing(world: World) -> None:
    make_criterion(world, approved=False)
    make_traces(world, 14)
    assert decide(world, CriterionReference(requirement="r")).verdict == "insufficient"
    named = decide(world, CriterionReference(requirement="r", version=1))
    assert named.verdict == "insufficient"
    assert "not approved" in named.reasons[0]["detail"]


def test_a_superseded_version_passes_nothing(world: World) -> None:
    make_criterion(world)
    newer = import_requirements(
        system=world.system,
        source=requirement_file(threshold=0.5),
        file_name="r.yaml",
        principal=acting(AUTHOR),
    )
    approve(newer.requirements[0].version)
    make_traces(world, 14)
    assert decide(world, CriterionReference(requirement="r", version=1)).verdict == "insufficient"
    assert decide(world, CriterionReference(requirement="r", criterion="c")).verdict == "pass"


def test_a_reference_that_leads_nowhere_is_insufficient(world: World) -> None:
    make_criterion(world)
    make_traces(world, 14)
    for lost in (
        CriterionReference(requirement="none"),
        CriterionReference(requirement="r", criterion="none"),
        CriterionReference(requirement="r", version=7),
        CriterionReference(baseline="none"),
    ):
        decision = decide(world, CriterionReference(requirement="r"), lost)
        assert decision.verdict == "insufficient"
        assert decision.reasons[-1]["verdict"] == "not_assessed"


def test_what_leads_somewhere_only_later_changes_no_decision_of_before(world: World) -> None:
    make_criterion(world)
    make_traces(world, 14)
    lost = (CriterionReference(requirement="r", version=2), CriterionReference(baseline="b"))
    decision = decide(world, CriterionReference(requirement="r"), *lost)
    newer = import_requirements(
        system=world.system,
        source=requirement_file(threshold=0.5),
        file_name="r.yaml",
        principal=acting(AUTHOR),
    )
    version = newer.requirements[0].version
    freeze_baseline(system=world.system, name="b", versions=[version], principal=acting(AUTHOR))
    assert version.number == 2
    assert replay_gate_decision(decision).agrees


def test_nobody_fills_a_baseline_after_the_gate_that_asks_for_it_was_approved(world: World) -> None:
    """Whoever freezes it would say alone what the gate asks for, of all that is approved."""
    criterion = make_criterion(world)
    version = propose_gate(
        principal=acting(AUTHOR),
        system=world.system,
        key="release",
        references=[CriterionReference(baseline="to-come")],
    )
    with pytest.raises(ConflictingContent, match="Nobody has frozen baseline to-come yet"):
        settle_gate_proposal(principal=acting(APPROVER), version=version, to_state="approved")
    freeze_baseline(
        system=world.system, name="to-come", versions=[criterion.version], principal=acting(AUTHOR)
    )
    assert settle_gate_proposal(principal=acting(APPROVER), version=version, to_state="approved")


def test_a_baseline_asks_for_all_its_criteria(world: World) -> None:
    result = import_requirements(
        system=world.system, source=read_starter(), file_name="b.yaml", principal=acting(AUTHOR)
    )
    for item in result.requirements:
        approve(item.version)
    decision = decide(world, CriterionReference(baseline="starter-1"))
    assert len(decision.reasons) == 6
    assert decision.verdict == "insufficient"
