"""Who may do what, and when, is one rule, and every door asks it."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from django.db import transaction

from evidence.errors import AccessDenied, NotFound
from tests.factories import World
from tests.invariants.act_doors import ACTS, ALLOWED, REFUSALS, Act, Door
from tests.invariants.walk import OUR_APPS, REPOSITORY
from tests.invariants.who import EVERYBODY, TOKEN_WITH, TOKEN_WITHOUT, Who, everybody

MODULES: Final = tuple(f"{app}.acts" for app in OUR_APPS)


def checks() -> list[str]:
    """Return every `check_can_x` there is."""
    found = []
    for module in map(importlib.import_module, MODULES):
        for name, value in vars(module).items():
            if (
                name.startswith("check_can_")
                and inspect.isfunction(value)
                and value.__module__.startswith(module.__name__)
            ):
                found.append(f"{module.__name__}.{name}")
    return found


def test_each_act_has_an_entry_and_each_entry_an_act() -> None:
    assert len(checks()) >= 34, "the walk found too little to mean anything"
    assert set(checks()) == {act.check for act in ACTS}


def test_each_check_has_a_question_made_from_it() -> None:
    for check in checks():
        module, _, name = check.rpartition(".")
        question = getattr(importlib.import_module(module), name.removeprefix("check_"))
        assert question.__wrapped__ is getattr(importlib.import_module(module), name), check


@pytest.mark.django_db
@pytest.mark.parametrize("act", ACTS, ids=[act.label for act in ACTS])
def test_every_door_gives_everybody_the_answer_of_the_rule(world: World, act: Act) -> None:
    made = act.prepare(world)
    people = everybody(world, act.scopes, act.owner)
    assert [who.name for who in people] == list(EVERYBODY)
    answers = {who: ask(act.service, world, who, made) for who in people}
    assert {who.name for who, answer in answers.items() if answer == ALLOWED} == act.allowed
    for who, answer in answers.items():
        for name, door in doors(act, who):
            told = ask(door, world, who, made)
            assert told in expected(answer, name, who), (
                f"{who.name}: {told!r} by {name}, {answer!r} by the service"
            )


def doors(act: Act, who: Who) -> Iterator[tuple[str, Door]]:
    """Yield the doors of an act that this somebody can stand before: a token has no browser."""
    if who.user is None:
        return
    if who.token is None and (act.api or act.admin):
        assert who.session  # signed in before the doors, each of which takes back what was done in it
    if act.api is not None:
        yield "api", act.api
    if who.token is None:
        yield from ((name, door) for name, door in (("admin", act.admin), ("command", act.command)) if door)


def expected(answer: str, door: str, who: Who) -> set[str]:
    """Return what a door may say where the service says `answer`: the same.

    The admin says the same to people of other systems in its own order: the row is not there, whatever their role.
    It has one page for everything that is forbidden.
    """
    if door != "admin" or answer == ALLOWED:
        return {answer}
    forbidden = {AccessDenied.code} if answer == "self_approval" else {answer}
    return forbidden if who.is_member else {*forbidden, NotFound.code, AccessDenied.code}


def ask(door: Door, world: World, who: Who, made: Any) -> str:
    """Go through a door, and take back what came of it, so that the next one finds the same."""
    try:
        with transaction.atomic():
            answer = door(world, who, made)
            transaction.set_rollback(True)
    except REFUSALS as exc:
        return exc.code
    return answer


# Nothing outside the rooms decides by role.

_ATTRIBUTES: Final = frozenset(
    {"groups", "is_superuser", "has_perm", "has_perms", "may", "require", "roles", "scopes"}
)
_NAMES: Final = frozenset({"is_approver", "ROLES", "scopes_of", "same_person"})
# file -> what in it is no decision
SEEN_AND_JUDGED: Final = {
    "evidence/api/permissions.py": {"require"},  # reads the coarse table that each view is
    "evidence/admin/token.py": {"scopes"},  # shows what a token holds
    "config/management/commands/create_person.py": {"ROLES"},  # names the roles in its help
}


def decisions_in(source: str) -> set[str]:
    """Return what in a module looks at roles, scopes or four eyes by itself."""
    tree = ast.parse(source)
    tables = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and "scopes"
        in {getattr(each, "id", "") for each in getattr(node, "targets", [getattr(node, "target", None)])}
        for part in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and id(node) not in tables:
            owner = getattr(node.value, "id", "")
            if node.attr in _ATTRIBUTES or (owner == "principal" and node.attr == "token"):
                found.add(node.attr)
            if owner == "Scope" and node.attr.isupper():
                found.add("Scope")
        elif isinstance(node, ast.Name) and node.id in _NAMES:
            found.add(node.id)
    return found


def doors_of_the_product() -> list[Path]:
    """Return the sources of views, admin and commands."""
    return [
        path
        for app in (*OUR_APPS, "config")
        for path in (REPOSITORY / app).rglob("*.py")
        if {"api", "admin", "management"} & set(path.relative_to(REPOSITORY).parts)
    ]


def test_no_view_page_or_command_decides_by_itself() -> None:
    paths = doors_of_the_product()
    assert len(paths) > 75, "the walk found too little to mean anything"
    found = {str(path.relative_to(REPOSITORY)): decisions_in(path.read_text()) for path in paths}
    assert {path: names for path, names in found.items() if names} == SEEN_AND_JUDGED


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("principal.may(Scope.REVIEW)", {"may", "Scope"}),
        ("if is_approver(user): pass", {"is_approver"}),
        ("user.groups.filter(name='x')", {"groups"}),
        ("principal.token is not None", {"token"}),
        ("request.user.has_perm('evidence.change_accesstoken')", {"has_perm"}),
        ("scopes = {'GET': Scope.READ}", set()),
        ("scopes: dict[str, Scope] = {'POST': (Scope.READ, Scope.IMPORT)}", set()),
    ],
)
def test_the_walk_can_fail(line: str, found: set[str]) -> None:
    assert decisions_in(line) == found


def test_a_token_with_the_scopes_is_not_the_one_without() -> None:
    assert {TOKEN_WITH, TOKEN_WITHOUT} < set(EVERYBODY)
    assert not any(TOKEN_WITHOUT in act.allowed for act in ACTS)


def test_an_actors_name_is_made_in_one_place() -> None:
    for app in (*OUR_APPS, "config"):
        for path in (REPOSITORY / app).rglob("*.py"):
            if "migrations" in path.parts:  # they speak of what was written then
                continue
            source = path.read_text()
            if not re.search(r"[\"'](person|user|token|system):", source):
                continue
            texts = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.JoinedStr)]
            beginnings = [getattr(text.values[0], "value", "") for text in texts if text.values]
            assert not [
                begin
                for begin in beginnings
                if str(begin).startswith(("person:", "user:", "token:", "system:"))
            ], path
