"""A requirement's file is typed where it is made and described by a JSON Schema where it is read: one shape."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evidence.binder.schemas import schema_file
from requirements.services.binder_documents import CriterionDocument, RequirementDocument, WaiverDocument


def schema_at(*path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(b"".join(schema_file("requirement").chunks))
    for step in path:
        found = found[step]
    return found


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (RequirementDocument, ()),
        (CriterionDocument, ("properties", "criteria", "items")),
        (WaiverDocument, ("properties", "waivers", "items")),
    ],
)
def test_the_type_has_the_fields_of_the_schema(document: Any, path: tuple[str, ...]) -> None:
    schema = schema_at(*path)
    assert document.__required_keys__ | document.__optional_keys__ == set(schema["properties"])
    assert document.__required_keys__ >= set(schema["required"])
