from __future__ import annotations

import pytest
from django.db import IntegrityError

from evidence import clock
from evidence.models import AuditEvent, Scope
from evidence.services import audit
from requirements.acts import can_ask_retirement, can_transition
from requirements.errors import (
    ConflictingBaseline,
    RequirementFileInvalid,
    SelfApproval,
    TransitionNotAllowed,
)
from requirements.life import INSTEAD, VALID_TRANSITIONS
from requirements.models import (
    AcceptanceCriterion,
    Baseline,
    Requirement,
    RequirementState,
    RequirementTransition,
    RequirementVersion,
)
from requirements.selectors.requirements import approved_versions, state_of
from requirements.services.requirements import ImportResult, import_requirements
from requirements.starter import read_starter
from tests.factories import World, acting
from tests.requirements.builders import APPROVER, AUTHOR, approve, move, read, requirement_file, retire


def load(world: World, source: bytes) -> ImportResult:
    return import_requirements(
        system=world.system, source=source, file_name="r.yaml", principal=acting(AUTHOR)
    )


def test_the_starter_imports_and_imports_again_without_a_change(world: World) -> None:
    first = load(world, read_starter())
    events = AuditEvent.objects.count()
    again = load(world, read_starter())
    assert (first.n_created, again.n_created) == (6, 0)
    assert [item.version.pk for item in again.requirements] == [
        item.version.pk for item in first.requirements
    ]
    assert AuditEvent.objects.count() == events
    assert Baseline.objects.get().members.count() == 6


def test_a_changed_requirement_is_a_new_version_in_draft(world: World) -> None:
    first = load(world, requirement_file()).requirements[0].version
    second = load(world, requirement_file(threshold=0.9)).requirements[0].version
    assert (first.number, second.number) == (1, 2)
    assert state_of(second) == RequirementState.DRAFT
    assert first.criteria.get().threshold == 0.7  # what was said stays said


def test_going_back_to_an_earlier_wording_is_a_version_of_its_own(world: World) -> None:
    load(world, requirement_file())
    load(world, requirement_file(threshold=0.9))
    third = load(world, requirement_file()).requirements[0].version
    assert third.number == 3
    assert len(set(RequirementVersion.objects.values_list("artefact_version__digest", flat=True))) == 3
    # The criterion is the same words, so it is the same criterion.
    assert (
        third.criteria.get().artefact_version
        == RequirementVersion.objects.get(number=1).criteria.get().artefact_version
    )


def test_a_file_with_a_fault_stores_nothing(world: World) -> None:
    good = requirement_file(key="a").decode()
    bad = requirement_file(key="b", check="answers.confidenc").decode()
    events = AuditEvent.objects.count()
    with pytest.raises(RequirementFileInvalid, match=r"r\.yaml:\d+"):
        load(world, (good + bad[bad.index("  - key") :]).encode())
    assert not Requirement.objects.exists()
    assert AuditEvent.objects.count() == events


def test_no_requirement_without_its_audit_event(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise IntegrityError

    monkeypatch.setattr(audit, "record", refuse)
    with pytest.raises(IntegrityError):
        load(world, requirement_file())
    assert not RequirementVersion.objects.exists()
    assert not AcceptanceCriterion.objects.exists()


def test_the_linter_warns_and_does_not_block(world: World) -> None:
    source = requirement_file(min_n=14, parameters="{looks: continuous}").replace(
        b"Each answer must do what this criterion measures.", b"It must be explainable."
    )
    version = load(world, source).requirements[0].version
    assert [warning["code"] for warning in version.lint] == ["not_testable"]


def test_a_baseline_is_frozen(world: World) -> None:
    load(world, read_starter())
    changed = read_starter().replace(b"at_least: 0.80", b"at_least: 0.85", 1)
    with pytest.raises(ConflictingBaseline, match="new name"):
        load(world, changed)
    assert RequirementVersion.objects.count() == 6  # the changed version went with its baseline


def test_nobody_approves_their_own(world: World) -> None:
    version = load(world, requirement_file()).requirements[0].version
    move(version, "in_review", AUTHOR)
    with pytest.raises(SelfApproval):
        move(version, "approved", AUTHOR)
    assert not can_transition(acting(AUTHOR), version, "approved")
    assert can_transition(acting(APPROVER), version, "approved")


def test_nobody_approves_their_own_through_a_token(world: World) -> None:
    token = world.token(Scope.IMPORT).split("_")[1]
    owner = world.owner(Scope.IMPORT).get_username()
    result = import_requirements(
        system=world.system, source=requirement_file(), file_name="r.yaml", principal=acting(f"token:{token}")
    )
    version = result.requirements[0].version
    move(version, "in_review", f"token:{token}")
    with pytest.raises(SelfApproval):
        move(version, "approved", f"user:{owner}")


def test_asking_for_the_review_is_proposing_too(world: World) -> None:
    version = load(world, requirement_file()).requirements[0].version
    move(version, "in_review", APPROVER)
    with pytest.raises(SelfApproval):
        move(version, "approved", APPROVER)


def test_approving_a_version_supersedes_the_one_before(world: World) -> None:
    first = load(world, requirement_file()).requirements[0].version
    approve(first)
    second = load(world, requirement_file(threshold=0.9)).requirements[0].version
    approve(second)
    assert state_of(first) == RequirementState.SUPERSEDED
    last = second.transitions.order_by("-pk")[0].at
    assert list(approved_versions(world.system, clock.as_of(last))) == [second]
    before = first.transitions.get(to_state="approved").at
    assert list(approved_versions(world.system, clock.as_of(before))) == [first]


def test_every_pair_of_states_is_allowed_or_refused_as_the_table_says(world: World) -> None:
    paths = {
        "draft": [],
        "in_review": ["in_review"],
        "approved": ["in_review", "approved"],
        "retired": ["retired"],
    }
    for index, (state, path) in enumerate(paths.items()):
        version = load(world, requirement_file(key=f"r{index}")).requirements[0].version
        for step in path:
            actor = APPROVER if step == "approved" else AUTHOR
            if step == "retired":
                retire(version)
            else:
                move(version, step, actor, "on its way")
        leads = VALID_TRANSITIONS[RequirementState(state)]
        for to_state in RequirementState.values:
            allowed = to_state in leads and to_state not in INSTEAD
            assert can_transition(acting("user:carol"), version, to_state) == allowed
        assert can_ask_retirement(acting("user:carol"), version) == ("retired" in leads)


def test_repeating_a_transition_changes_nothing(world: World) -> None:
    version = load(world, requirement_file()).requirements[0].version
    sent = {"version": version, "to_state": "in_review", "by": AUTHOR, "read": read(version)}
    move(**sent)
    events, steps = AuditEvent.objects.count(), RequirementTransition.objects.count()
    move(**sent)
    assert (AuditEvent.objects.count(), RequirementTransition.objects.count()) == (events, steps)


def test_a_draft_cannot_jump_to_approved(world: World) -> None:
    version = load(world, requirement_file()).requirements[0].version
    with pytest.raises(TransitionNotAllowed, match="draft"):
        move(version, "approved", APPROVER)
