"""What the linter is told of a system: by a fixed number of queries, and at import."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from requirements.lint import lint_requirements
from requirements.selectors.known_names import drafts_of, known_names
from requirements.services.requirements import import_requirements
from requirements.starter import read_starter
from tests.factories import World, acting
from tests.requirements.builders import AUTHOR, make_trace, requirement_file

pytestmark = pytest.mark.django_db


def load(world: World, source: bytes) -> list[dict[str, Any]]:
    result = import_requirements(
        system=world.system, source=source, file_name="r.yaml", principal=acting(AUTHOR)
    )
    return [warning for item in result.requirements for warning in item.version.lint]


def test_an_import_hears_of_a_slice_without_evidence_and_of_what_others_say(world: World) -> None:
    make_trace(world, language="en")
    load(world, read_starter())
    lint = load(world, requirement_file(key="r", slices="[{language: de}]"))
    told = {warning["code"]: warning for warning in lint}
    assert told["unknown_slice"]["where"] == "criteria.c.slices.language=de"
    lint = load(world, requirement_file(key="s"))
    (repeated,) = [
        warning for warning in lint if warning["code"] == "repeats" and "statement" in warning["where"]
    ]
    assert repeated["message"].startswith("r ")


def test_what_is_asked_does_not_grow_with_what_is_stored(world: World) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            known_names(world.system)
            drafts_of(world.system)
        return len(asked)

    before = cost()
    load(world, read_starter())
    make_trace(world, language="en")
    assert cost() <= before + 1  # criteria are asked for where there is a requirement
    assert {draft.key for draft in drafts_of(world.system)} >= {"shows-sources"}


def test_a_stored_requirement_is_read_back_as_it_was_written(world: World) -> None:
    load(world, read_starter())
    drafts = drafts_of(world.system)
    assert [warning for found in lint_requirements(drafts).values() for warning in found] == []
