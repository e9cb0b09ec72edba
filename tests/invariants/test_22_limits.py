"""Whatever a request can name many of has a limit, which is a setting, and whoever meets it is told which."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as product_settings
from django.urls import get_resolver
from rest_framework import serializers

from evidence import clock
from evidence.access import principal_of_command_line, principal_of_user
from evidence.api.inputs import FreeValue, Input, InputList
from evidence.api.parsing import StrictJSONParser
from evidence.errors import InvalidInput
from evidence.models import Scope
from evidence.services.people.access_proposals import propose_access
from evidence.services.people.memberships import add_member
from evidence.services.people.persons import create_person
from evidence.services.people.tokens import issue_token
from requirements.errors import RequirementFileInvalid
from requirements.yaml_import.parser import parse_requirement_file
from tests import factories
from tests.factories import World, make_person
from tests.requirements.builders import requirement_file

pytestmark = pytest.mark.django_db


def inputs(root: type[Input] = Input) -> Iterator[type[Input]]:
    assert get_resolver().url_patterns  # they are defined where addresses are
    for below in root.__subclasses__():
        yield below
        yield from inputs(below)


def many() -> Iterator[tuple[str, Any]]:
    """Yield each field of a body that takes a list, or a value of any form."""
    kinds = (serializers.ListSerializer, serializers.ListField, serializers.DictField, serializers.JSONField)
    for each in inputs():
        for name, field in each().fields.items():
            if isinstance(field, kinds):
                yield f"{each.__module__}.{each.__name__}.{name}", field


def test_each_list_and_each_free_value_of_a_body_has_a_limit(settings: Any) -> None:
    found = dict(many())
    assert len(found) >= 6, "the walk found too little to mean anything"
    for name, field in found.items():
        assert isinstance(field, (InputList, FreeValue)), f"{name}: make it one of evidence.api.inputs"
        assert getattr(product_settings, field.limit) > 0, name
    for field in found.values():
        setattr(settings, field.limit, 0)
        sent = [{}] if isinstance(field, InputList) else {"a": 1}
        with pytest.raises(serializers.ValidationError, match=f"TRACEBINDER_{field.limit} allows 0"):
            field.run_validation(sent)


def test_a_list_without_a_limit_cannot_be_written() -> None:
    class Inner(Input):
        pass

    with pytest.raises(TypeError, match="limit"):
        Inner(many=True)


@pytest.mark.parametrize(
    ("value", "count"),
    [([1, 2, 3], 3), ({"a": [1, {"b": 2}], "c": "x" * 100}, 5), ([[], [], [[]]], 4)],
    ids=str,
)
def test_a_free_value_is_counted_at_every_depth(settings: Any, value: object, count: int) -> None:
    settings.MAX_FREE_VALUES = count
    FreeValue().run_validation(value)
    settings.MAX_FREE_VALUES = count - 1
    with pytest.raises(serializers.ValidationError, match=f"{count} are named"):
        FreeValue().run_validation(value)


def test_a_body_of_many_values_is_refused_before_it_is_read(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAX_JSON_VALUES = 1_000
    read: list[bytes] = []
    monkeypatch.setattr("evidence.api.parsing.read_json", read.append)
    with pytest.raises(InvalidInput, match="TRACEBINDER_MAX_JSON_VALUES allows 1,000"):
        StrictJSONParser().parse(io.BytesIO(json.dumps([0] * 1_001).encode()))
    assert not read


def test_commas_in_a_text_are_no_values(settings: Any) -> None:
    settings.MAX_JSON_VALUES = 10
    text = {"text": 'a "quoted", text\\' + "," * 1_000, "n": 1}
    assert StrictJSONParser().parse(io.BytesIO(json.dumps(text).encode())) == text


# What is counted over several requests.


def propose(world: World) -> None:
    operator = principal_of_user(world.people["operator"])
    for name in ("nora", "nina"):
        person = make_person(name, "author")
        add_member(actor=operator.actor, system=world.system, user=person)
        propose_access(principal=operator, person=person, role="approver")


def waive(world: World) -> None:
    for criterion in ("a/b", "a/c"):
        factories.waive(world, criterion)


def issue(world: World) -> None:
    for name in ("ci", "ci-2"):
        issue_token(
            principal=principal_of_command_line(),
            name=name,
            owner=world.people["author"],
            scopes=[Scope.READ, Scope.IMPORT],
            systems=[world.system],
            expires_at=clock.now() + timedelta(days=1),
        )


def let_see(world: World) -> None:
    add_member(actor="system:command-line", system=world.system, user=make_person("nora", "author"))


def add_people(world: World) -> None:
    create_person(
        principal=principal_of_command_line(), username="nora", roles=["author"], systems=[world.system],
        password=None,
    )  # fmt: skip


def import_file(world: World) -> None:
    parse_requirement_file(requirement_file(), "requirements.yaml")


@pytest.mark.parametrize(
    ("setting", "most", "act"),
    [
        ("MAX_ACCESS_PROPOSALS", 1, propose),
        ("MAX_WAIVERS", 1, waive),
        ("MAX_TOKENS", 1, issue),
        ("MAX_TOKEN_SCOPES", 1, issue),
        ("MAX_TOKEN_SYSTEMS", 0, issue),
        ("MAX_MEMBERSHIPS", 0, let_see),
        ("MAX_PEOPLE", 1, add_people),
        ("MAX_REQUIREMENTS", 0, import_file),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_one_more_than_there_may_be_is_refused_by_the_name_of_the_limit(
    world: World, settings: Any, setting: str, most: int, act: Callable[[World], None]
) -> None:
    setattr(settings, setting, most)
    with pytest.raises((InvalidInput, RequirementFileInvalid)) as refused:
        act(world)
    told = str(refused.value) + "".join(str(each) for each in getattr(refused.value, "problems", ()))
    assert f"TRACEBINDER_{setting} allows {most}" in told
