"""Reading the server's answers: what is not there, or is something else than was thought, is empty and no error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Json: TypeAlias = Mapping[str, object]


def part(value: Json, name: str) -> Json:
    """Return an object within an object."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def objects(value: Json, name: str) -> list[Json]:
    """Return the objects of a list within an object."""
    found = value.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def texts(value: Json, name: str) -> list[str]:
    """Return the entries of a list within an object, as texts."""
    found = value.get(name)
    return [str(each) for each in found] if isinstance(found, list) else []


def figure(value: object, sign: str = "") -> str:
    """Return a number with four digits, or a dash where there is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "-"
    return str(value) if isinstance(value, int) and not sign else format(value, f"{sign}.4g")
