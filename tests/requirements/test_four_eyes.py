"""Whoever's token it is, it is them: no four eyes are passed with a token of one's own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from evidence.access import Principal, principal_of_token, principal_of_user
from evidence.acts import check_can_use_waiver
from evidence.errors import AccessDenied
from evidence.models import Scope
from evidence.services import registry
from evidence.services.people.tokens import issue_token
from requirements.errors import SelfApproval
from requirements.models import RequirementVersion
from requirements.selectors.requirements import awaiting_approval_of
from requirements.services.requirements import import_requirements
from requirements.services.transitions import transition_requirement
from tests.factories import World, acting, ask_for_waiver, grant_waiver, manifest
from tests.invariants.walk import OUR_APPS, REPOSITORY
from tests.requirements.builders import read, requirement_file


@pytest.fixture
def both(world: World) -> User:
    """Somebody who may propose and approve, as a small team has them."""
    return world.join("both", "author", "approver")


def machine_of(world: World, person: User, *scopes: Scope) -> Principal:
    issued = issue_token(
        principal=acting(), name="laptop", owner=person, scopes=scopes, systems=[world.system],
        expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    return principal_of_token(issued.token)


def waive(world: World, principal: Principal, asker: Principal) -> Any:
    return grant_waiver(ask_for_waiver(world, "r/c", asker=asker), principal)


@pytest.mark.django_db
@pytest.mark.parametrize("asked", ["wrote", "asked for its approval"])
def test_what_ones_token_proposed_is_not_approved_by_oneself(world: World, both: User, asked: str) -> None:
    machine, person = machine_of(world, both, Scope.IMPORT), principal_of_user(both)
    author = machine if asked == "wrote" else world.principal("author")
    import_requirements(principal=author, system=world.system, source=requirement_file(), file_name="r.yaml")
    version = RequirementVersion.objects.get()
    proposer = machine if asked != "wrote" else world.principal("author")
    transition_requirement(principal=proposer, version=version, to_state="in_review", reason="")
    assert not awaiting_approval_of(both).exists()
    assert awaiting_approval_of(world.people["approver"]).get() == version
    with pytest.raises(SelfApproval):
        transition_requirement(
            principal=person, version=version, to_state="approved", reason="", read=read(version)
        )


@pytest.mark.django_db
def test_what_ones_token_asked_for_or_put_on_record_is_not_waived_by_oneself(
    world: World, both: User
) -> None:
    machine, person = machine_of(world, both, Scope.IMPORT), principal_of_user(both)
    with pytest.raises(AccessDenied, match="Nobody waives what they asked for"):
        waive(world, person, asker=machine)
    release = registry.register_release(
        principal=machine, system=world.system, manifest=manifest(name="mine")
    )
    with pytest.raises(AccessDenied, match="put the release on record"):
        waive(World(world.system, release, world.people), person, world.principal("author"))


@pytest.mark.django_db
def test_ones_token_passes_no_gate_by_a_waiver_of_ones_own(world: World, both: User) -> None:
    machine, person = machine_of(world, both, Scope.GATE), principal_of_user(both)
    waiver = waive(world, person, asker=world.principal("author"))
    with pytest.raises(AccessDenied, match="You approved this waiver"):
        check_can_use_waiver(machine.actor, waiver)


# Nothing else compares who acted.

_ACTOR_NAMES = ("actor", "_by")
# file -> what is compared there, which is no four eyes
SEEN_AND_JUDGED = {
    "evidence/acts/asking.py": {"principal.actor == actor_of_component(COMMAND_LINE)"},
    "evidence/access.py": {"principal.actor == actor_of_component(COMMAND_LINE)"},
    "evidence/admin/frame/people.py": {"name != actor"},  # what is shown
    # Whether somebody on the machine bound it, as in the two above.
    "evidence/services/people/sign_in_bindings.py": {"binding.bound_by != principal_of_command_line().actor"},
    # Whether the link was made on the machine.
    "evidence/services/people/passwords.py": {"last.actor == principal_of_command_line().actor"},
    "evidence/actors.py": {"person_behind(one) == person_behind(other)"},
}


def comparisons_of_actors(source: str) -> Iterator[str]:
    """Yield each comparison of one who acted with another, by `==` or `!=`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
            sides = [node.left, *node.comparators]
            names = [getattr(side, "attr", getattr(side, "id", "")) for side in sides]
            calls = [getattr(getattr(side, "func", None), "id", "") for side in sides]
            if any(name.endswith(_ACTOR_NAMES) for name in names) or "person_behind" in calls:
                yield ast.unparse(node)


def test_nothing_compares_who_acted_but_the_one_rule() -> None:
    found: dict[str, set[str]] = {}
    for app in OUR_APPS:
        for path in Path(REPOSITORY / app).rglob("*.py"):
            if "migrations" not in path.parts and (seen := set(comparisons_of_actors(path.read_text()))):
                found[path.relative_to(REPOSITORY).as_posix()] = seen
    assert found == SEEN_AND_JUDGED


@pytest.mark.parametrize(
    "line", ["version.proposed_by == principal.actor", "if actor != waiver.approved_by: pass"]
)
def test_the_walk_can_fail(line: str) -> None:
    assert list(comparisons_of_actors(line))
