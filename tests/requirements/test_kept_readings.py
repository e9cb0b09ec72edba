"""Files that are read once: what is kept never answers otherwise than reading does."""

from __future__ import annotations

from typing import Any

import pytest

from requirements.errors import RequirementFileInvalid
from requirements.services.importing import Act
from requirements.yaml_import import kept, parse_requirement_file, read_requirement_file
from tests.factories import World
from tests.requirements.builders import requirement_file, retire
from tests.requirements.test_import_plan import load, plan


@pytest.fixture(name="read")
def _read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Keep nothing from before, and note the name of each file that is read."""
    names: list[str] = []

    def note(source: bytes, name: str) -> Any:
        names.append(name)
        return parse_requirement_file(source, name)

    monkeypatch.setattr(kept, "_files", kept._keep(kept._MOST_BYTES))  # nothing else may forget
    monkeypatch.setattr(kept, "parse_requirement_file", note)
    return names


def test_the_same_bytes_of_the_same_name_are_read_once(read: list[str]) -> None:
    source = requirement_file()

    first, again = (read_requirement_file(source, "a.yaml") for _ in range(2))
    elsewhere = read_requirement_file(source, "b.yaml")

    assert first == again == parse_requirement_file(source, "a.yaml")
    assert elsewhere == parse_requirement_file(source, "b.yaml")
    assert read == ["a.yaml", "b.yaml"]


def test_other_bytes_are_read_anew(read: list[str]) -> None:
    read_requirement_file(requirement_file(owner="one"), "a.yaml")

    assert read_requirement_file(requirement_file(owner="two"), "a.yaml").requirements[0].owner == "two"
    assert read == ["a.yaml", "a.yaml"]


def test_another_limit_is_held_by_a_file_that_was_kept(read: list[str], settings: Any) -> None:
    source = requirement_file()
    read_requirement_file(source, "a.yaml")
    settings.MAX_CRITERIA = 0

    with pytest.raises(RequirementFileInvalid, match="TRACEBINDER_MAX_CRITERIA"):
        read_requirement_file(source, "a.yaml")


def test_a_file_with_faults_is_refused_each_time(read: list[str]) -> None:
    source = requirement_file(check="no.where")

    for _ in range(2):
        with pytest.raises(RequirementFileInvalid, match="check"):
            read_requirement_file(source, "a.yaml")


def test_no_more_is_kept_than_the_bytes_allowed(read: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    source = requirement_file()
    monkeypatch.setattr(kept, "_files", kept._keep(2 * len(source)))

    for name in ("a.yaml", "b.yaml", "a.yaml", "c.yaml", "a.yaml", "b.yaml"):
        read_requirement_file(source, name)

    assert read == ["a.yaml", "b.yaml", "c.yaml", "b.yaml"]  # b was used least lately when c came


def test_a_plan_of_a_kept_file_sees_what_came_since(world: World, read: list[str]) -> None:
    first, second = (requirement_file(owner=owner) for owner in ("one", "two"))
    load(world, ("a.yaml", first))
    load(world, ("a.yaml", second))

    assert [step.act for step in plan(world, ("a.yaml", first)).steps] == [Act.CHANGED]
    assert [step.act for step in plan(world, ("a.yaml", second)).steps] == [Act.UNCHANGED]
    assert [step.act for step in plan(world, ("b.yaml", first)).steps] == []  # a.yaml's: a conflict
    assert read == ["a.yaml", "a.yaml", "b.yaml"]


def test_a_kept_file_brings_back_what_was_retired_since(world: World, read: list[str]) -> None:
    source = requirement_file()
    (imported,) = load(world, ("a.yaml", source)).requirements
    retire(imported.version)

    assert [step.act for step in plan(world, ("a.yaml", source)).steps] == [Act.RETURNED]
    assert read == ["a.yaml"]
