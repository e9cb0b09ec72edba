"""The nearest of the names that are known, for a refusal that helps."""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz import process


def nearest_name(name: str, known: Iterable[str]) -> str:
    """Return the known name closest to `name`. Raises `ValueError` where none is known."""
    found = process.extractOne(name, list(known))
    if found is None:
        raise ValueError("no name is known")
    return str(found[0])
