"""Gathers the faults of a requirement file, and reads the plain fields that every part of it has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from evidence.nearest import hint_at, nearest_name
from requirements.bounds import MOST_KEY, MOST_TEXT
from requirements.yaml_import.contracts import FileProblem
from requirements.yaml_import.numbers import number_meant, whole_number_meant
from requirements.yaml_import.reader import Path, Places

KEY: Final = re.compile(rf"[A-Za-z0-9](?:[A-Za-z0-9_.-]{{0,{MOST_KEY - 2}}}[A-Za-z0-9_-])?")
PLAIN_KEY: Final = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,{MOST_KEY - 1}}}")
_MOST_SHOWN: Final = 60  # characters of what somebody wrote


class Faults:
    """Every fault found so far, each with its place, and what may not be meant."""

    def __init__(self, file_name: str, places: Places) -> None:
        self.file_name = file_name
        self.places = places
        self.problems: list[FileProblem] = []
        self.warnings: list[FileProblem] = []

    def add(self, path: Path, code: str, message: str, nearest: str | None = None) -> None:
        """Record one fault at a path of the document."""
        self.problems.append(self._problem(path, code, message, nearest))

    def warn(self, path: Path, code: str, message: str) -> None:
        """Record what is no fault and may not be meant."""
        self.warnings.append(self._problem(path, code, message))

    def _problem(self, path: Path, code: str, message: str, nearest: str | None = None) -> FileProblem:
        line, column = self.places.find(path)
        return FileProblem(self.file_name, line, column, shown(path), code, message, nearest)

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
        """Report keys that two entries of a list share, also where they differ in capitals only."""
        seen: dict[str, int] = {}
        for index, item in enumerate(listed):
            key = item.get("key") if isinstance(item, Mapping) else None
            if isinstance(key, str):
                first = seen.setdefault(key.lower(), index)
                if first != index:
                    there = listed[first]
                    other = str(there.get("key")) if isinstance(there, Mapping) else ""
                    line = self.places.find((*path, first, "key"))[0]
                    self.same_key(key, other, line, (*path, index, "key"), noun)

    def same_key(self, key: str, other: str, line: int, path: Path, noun: str) -> None:
        """Report that a key is another's of the file, as it stands there."""
        told = f"another {noun} on line {line} has the key {other!r}"
        if key != other:
            told += ": two keys may not differ in capitals only"
        self.add(path, "duplicate_key", told)

    def key(self, item: Mapping[str, object], path: Path, *, pattern: re.Pattern[str] = KEY) -> str:
        """Read the field `key`."""
        value = item.get("key")
        if "key" in item and not (isinstance(value, str) and pattern.fullmatch(value)):
            self.add((*path, "key"), "bad_key", _fault_of_key(value, pattern))
        return str(value)

    def text(self, item: Mapping[str, object], name: str, path: Path, *, most: int = MOST_TEXT) -> str:
        """Read a text that must not be empty."""
        value = item.get(name)
        here = (*path, name)
        if name not in item:
            return ""
        if not isinstance(value, str):
            self.add(here, "not_a_text", not_a_text(value, f"a text of 1 to {most:,} characters"))
        elif not value.strip():
            self.add(here, "not_a_text", f"is empty: it must be a text of 1 to {most:,} characters")
        else:
            self.check_length(value.strip(), here, most)
            self.check_comment(here)
        return str(value).strip()

    def check_length(self, text: str, path: Path, most: int) -> None:
        """Report a text that is too long."""
        if len(text) > most:
            word = max(map(len, text.split()), default=0)
            of_them = f" ({word} of them one word)" if word > MOST_KEY else ""
            self.add(path, "too_long", f"has {len(text)} characters{of_them}, and at most {most} are taken")

    def check_comment(self, path: Path) -> None:
        """Warn of what follows a text without quotes as a comment: it is no part of the text."""
        lost = self.places.comment_after(path)
        if lost is not None:
            shown_text = lost if len(lost) <= _MOST_SHOWN else f"{lost[:_MOST_SHOWN]}…"
            told = f"{shown_text!r} is a comment and no part of the text: put quotes round the text to keep a '#' in it"
            self.warn(path, "text_after_hash", told)

    def whole_number(
        self, item: Mapping[str, object], name: str, path: Path, *, least: int, most: int
    ) -> int:
        """Read a whole number of at least `least` and at most `most`."""
        value = item.get(name)
        if name not in item:
            return least
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            meant = whole_number_meant(value, least=least, most=most)
            told = f"must be a whole number from {least} to {most}, not {brief(value)}"
            nearest = str(meant) if meant is not None else None
            self.add((*path, name), "bad_number", f"{told}; write {nearest}" if nearest else told, nearest)
            return least
        return value

    def number(self, value: object, path: Path, code: str, *, most: float, unit: str | None = None) -> float:
        """Read a number of at most `most` on either side of 0; its fault names the one that was meant."""
        if not isinstance(value, bool) and isinstance(value, int | float) and -most <= value <= most:
            return float(value)
        meant = number_meant(value, unit)
        told = f"must be a number, not {brief(value)}"
        if isinstance(value, int | float) and not isinstance(value, bool):
            told = f"must be a number between {-most:g} and {most:g}, not {brief(value)}"
        if meant is not None:
            told += f"; write {meant} without quotes" if isinstance(value, str) else f"; write {meant}"
        self.add(path, code, told, meant)
        return 0.0


def not_a_text(value: object, wanted: str = "a text") -> str:
    """Return why a value is no text, and how it becomes one."""
    if value is None:
        return f"is empty: it must be {wanted}"
    if isinstance(value, bool | int | float):
        return f"must be {wanted}, not {brief(value)}: put quotes round it if it is meant as a text"
    return f"must be {wanted}"


def brief(value: object) -> str:
    """Return what was written, shortened, as a message shows it."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    written = repr(value)
    return written if len(written) <= _MOST_SHOWN else f"{written[:_MOST_SHOWN]}…"


def _fault_of_key(value: object, pattern: re.Pattern[str]) -> str:
    dot = ", '.'" if pattern is KEY else ""
    rule = f"a key is up to {MOST_KEY} letters, digits, '-'{dot} and '_' (A to Z without accents)"
    if pattern is KEY:
        rule += ", and ends with no '.'"
    if not isinstance(value, str):
        return not_a_text(value, "a text") + f"; {rule}" if value is not None else f"is empty: {rule}"
    if len(value) > MOST_KEY:
        return f"has {len(value)} characters: {rule}"
    strange = list(dict.fromkeys(c for c in value if not re.fullmatch("[A-Za-z0-9_.-]", c)))
    named = ", ".join("a space" if c == " " else _named(c) for c in strange[:5])
    told = f"{brief(value)} holds {named}: {rule}" if strange else f"{brief(value)} is no key: {rule}"
    return f"{told}; the key that another tool gives it can be its external_id" if pattern is KEY else told


def _named(character: str) -> str:
    visible = character.isprintable() and not character.isspace()
    return f"{character!r}" if visible else f"U+{ord(character):04X}"


def shown(path: Path) -> str:
    """Return a path as it is written: `requirements[2].key`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.lstrip(".")
