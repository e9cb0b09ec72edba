"""Gathers the faults of a requirement file, and reads the plain fields that every part of it has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from evidence.nearest import hint_at, nearest_name
from requirements.yaml_import.contracts import FileProblem
from requirements.yaml_import.reader import Path, Places

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
MAX_TEXT = 200  # characters of a name


class Faults:
    """Every fault found so far, each with its place."""

    def __init__(self, file_name: str, places: Places) -> None:
        self.file_name = file_name
        self.places = places
        self.problems: list[FileProblem] = []

    def add(self, path: Path, code: str, message: str, nearest: str | None = None) -> None:
        """Record one fault at a path of the document."""
        line, column = self.places.find(path)
        shown = _shown(path)
        self.problems.append(FileProblem(self.file_name, line, column, shown, code, message, nearest))

    def in_order(self) -> list[FileProblem]:
        """Return the faults as they stand in the file."""
        return sorted(self.problems, key=lambda problem: (problem.line, problem.column, problem.path))

    def check_fields(
        self, item: Mapping[str, object], path: Path, *, known: tuple[str, ...], required: tuple[str, ...]
    ) -> None:
        """Report fields that are missing, and those nobody knows, with the nearest that somebody does."""
        for name in required:
            if name not in item:
                self.add(path, "missing_field", f"{name!r} is missing")
        for name in item:
            if name not in known:
                nearest = nearest_name(name, known)
                message = f"unknown field {name!r}; {hint_at(nearest)}"
                self.add((*path, name), "unknown_field", message, nearest)

    def check_unique(self, listed: Sequence[object], path: Path, noun: str) -> None:
        """Report keys that two entries of a list share."""
        seen: dict[object, int] = {}
        for index, item in enumerate(listed):
            key = item.get("key") if isinstance(item, Mapping) else None
            if not isinstance(key, str):
                continue
            if key in seen:
                first = self.places.find((*path, seen[key], "key"))[0]
                here = (*path, index, "key")
                self.add(here, "duplicate_key", f"another {noun} on line {first} has the key {key!r}")
            seen.setdefault(key, index)

    def key(self, item: Mapping[str, object], path: Path) -> str:
        """Read the field `key`."""
        value = item.get("key")
        if "key" in item and not (isinstance(value, str) and KEY.fullmatch(value)):
            self.add((*path, "key"), "bad_key", "a key is up to 100 letters, digits, '-' and '_'")
        return str(value)

    def text(self, item: Mapping[str, object], name: str, path: Path) -> str:
        """Read a short text that must not be empty."""
        value = item.get(name)
        if name in item and not (isinstance(value, str) and 0 < len(value.strip()) <= MAX_TEXT):
            self.add((*path, name), "not_a_text", f"must be a text of 1 to {MAX_TEXT} characters")
        return str(value).strip()

    def whole_number(
        self, item: Mapping[str, object], name: str, path: Path, *, least: int, most: int = 2**31 - 1
    ) -> int:
        """Read a whole number of at least `least` and at most `most`."""
        value = item.get(name)
        if name not in item:
            return least
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.add(
                (*path, name), "bad_number", f"must be a whole number from {least} to {most}, not {value!r}"
            )
            return least
        return value


def _shown(path: Path) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.lstrip(".")
