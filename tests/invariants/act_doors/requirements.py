"""Requirements: importing, moving and assessing them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.urls import reverse

from evidence import clock
from evidence.models import Scope
from requirements import acts as requirement_acts
from requirements.services.assessment import assess_release
from requirements.services.baselines import freeze_baseline
from requirements.services.requirements import import_requirements
from requirements.services.transitions import transition_requirement
from tests.factories import World, acting
from tests.invariants.act_doors.taking import AUTHORS, MACHINES, Act, browse, named, post, serve
from tests.invariants.who import TOKEN_WITH
from tests.requirements.builders import make_criterion, requirement_file


def version_in(*steps: str) -> Callable[[World], Any]:
    """A requirement version by somebody who is none of those who try."""

    def prepare(world: World) -> Any:
        version = make_criterion(world, approved=False).version
        for step in steps:
            transition_requirement(principal=acting("user:ana"), version=version, to_state=step, reason="r")
        return version

    return prepare


def transition_path(_: World, version: Any) -> str:
    return f"/api/v1/requirements/{version.requirement.key}/versions/{version.number}/transitions"


def step(to_state: str, *allowed: str, start: tuple[str, ...]) -> Act:
    """Return the entry of one step of a requirement version, made by another author than the one who tries."""
    return Act(
        "requirements.acts.check_can_transition",
        frozenset(allowed),
        serve(
            lambda world, who, version: transition_requirement(
                principal=who, version=version, to_state=to_state, reason="r"
            )
        ),
        api=post(transition_path, lambda world, _: named(world, to_state=to_state, reason="r")),
        admin=browse(
            lambda _, version: reverse("admin:requirements_requirementversion_change", args=[version.pk]),
            lambda *_: {"to_state": to_state, "reason": "r"},
        ),
        prepare=version_in(*start),
        scopes=(Scope.IMPORT,),
        step=to_state,
    )


ACTS: Final[list[Act]] = [
    Act(
        "requirements.acts.check_can_import_requirements",
        AUTHORS,
        serve(
            lambda world, who, _: import_requirements(
                principal=who, system=world.system, source=requirement_file(), file_name="r.yaml"
            )
        ),
        api=post(
            lambda world, _: f"/api/v1/requirements/import?system={world.system.key}",
            lambda *_: requirement_file(), content_type="application/yaml",
        ),
        scopes=(Scope.IMPORT,), step="a file",
    ),
    Act(
        "requirements.acts.check_can_import_requirements",
        AUTHORS,
        serve(
            lambda world, who, version: freeze_baseline(
                principal=who, system=world.system, name="b", versions=[version]
            )
        ),
        prepare=version_in(), scopes=(Scope.IMPORT,), step="a baseline",
    ),
    Act(
        "requirements.acts.check_can_assess",
        MACHINES,
        serve(
            lambda world, who, _: assess_release(
                principal=who, release=world.release, versions=[], as_of=clock.read_moment()
            )
        ),
        api=post(lambda *_: "/api/v1/assessments", lambda world, _: named(world, release="r1")),
        scopes=(Scope.GATE,),
    ),
    Act(
        "requirements.acts.check_can_move",
        frozenset({"approver"}),
        serve(lambda world, who, version: requirement_acts.check_can_move(who, version, "retired")),
        prepare=version_in(), scopes=(Scope.IMPORT,),
    ),
    step("in_review", "author", TOKEN_WITH, start=()),
    step("approved", "approver", start=("in_review",)),
    step("draft", "approver", start=("in_review",)),
    step("retired", "approver", start=("in_review",)),
    step("superseded", start=("in_review",)),
]  # fmt: skip
