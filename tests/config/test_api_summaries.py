"""What documentation shows beside each address of the API, before anybody opens one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

_SCHEMA: Final[dict[str, Any]] = yaml.safe_load(
    Path("docs/reference/openapi.yaml").read_text(encoding="utf-8")
)
_MOST: Final = 120  # characters, as one line of the page has
_OF_WHAT: Final = {"it", "them", "they"}


def operations() -> dict[str, dict[str, Any]]:
    """Return each operation of the schema by its id."""
    return {each["operationId"]: each for methods in _SCHEMA["paths"].values() for each in methods.values()}


def test_each_operation_says_in_a_line_what_it_is_for() -> None:
    unclear = {
        name: told
        for name, operation in operations().items()
        if not 5 < len(told := operation.get("summary", "")) <= _MOST
        or _OF_WHAT & set(told.lower().replace(",", "").split()[:2])
    }
    assert unclear == {}


def test_the_schema_says_how_one_asks() -> None:
    told = _SCHEMA["info"]["description"]
    assert "Authorization: Bearer" in told
    assert "issue_token" in told
