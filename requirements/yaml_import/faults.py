"""Gathers the faults of a requirement file, and reads the plain fields that every part of it has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from evidence.nearest import hint_at, nearest_name
from evidence.worded import Worded, joined, worded
from requirements.bounds import MOST_KEY, MOST_TEXT
from requirements.yaml_import.contracts import FileProblem
from requirements.yaml_import.numbers import number_meant, whole_number_meant
from requirements.yaml_import.reader import Path, Places

KEY: Final = re.compile(rf"[A-Za-z0-9](?:[A-Za-z0-9_.-]{{0,{MOST_KEY - 2}}}[A-Za-z0-9_-])?")
PLAIN_KEY: Final = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,{MOST_KEY - 1}}}")
_A_TEXT: Final = worded("a text")
_MOST_SHOWN: Final = 60  # characters of what somebody wrote


class Faults:
    """Every fault found so far, each with its place, and what may not be meant."""

    def __init__(self, file_name: str, places: Places) -> None:
        self.file_name = file_name
        self.places = places
        self.problems: list[FileProblem] = []
        self.warnings: list[FileProblem] = []

    def add(self, path: Path, code: str, message: Worded, nearest: str | None = None) -> None:
        """Record one fault at a path of the document."""
        self.problems.append(self._problem(path, code, message, nearest))

    def warn(self, path: Path, code: str, message: Worded) -> None:
        """Record what is no fault and may not be meant."""
        self.warnings.append(self._problem(path, code, message))

    def _problem(self, path: Path, code: str, message: Worded, nearest: str | None = None) -> FileProblem:
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
                self.add(path, "missing_field", worded("%(name)s is missing", name=repr(name)))
        for name in item:
            if name not in known:
                nearest = nearest_name(name, known)
                message = worded("unknown field %(name)s; %(hint)s", name=repr(name), hint=hint_at(nearest))
                self.add((*path, name), "unknown_field", message, nearest)

    def check_unique(self, listed: Sequence[object], path: Path, noun: Worded) -> None:
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

    def same_key(self, key: str, other: str, line: int, path: Path, noun: Worded) -> None:
        """Report that a key is another's of the file, as it stands there."""
        told = worded(
            "another %(noun)s on line %(line)s has the key %(other)s", noun=noun, line=line, other=repr(other)
        )
        if key != other:
            told = worded(
                "another %(noun)s on line %(line)s has the key %(other)s: two keys may not differ in capitals only",
                noun=noun,
                line=line,
                other=repr(other),
            )
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
            self.add(
                here,
                "not_a_text",
                not_a_text(value, worded("a text of 1 to %(most)s characters", most=f"{most:,}")),
            )
        elif not value.strip():
            self.add(
                here,
                "not_a_text",
                worded(
                    "is empty: it must be %(wanted)s",
                    wanted=worded("a text of 1 to %(most)s characters", most=f"{most:,}"),
                ),
            )
        else:
            self.check_length(value.strip(), here, most)
            self.check_comment(here)
        return str(value).strip()

    def check_length(self, text: str, path: Path, most: int) -> None:
        """Report a text that is too long."""
        if len(text) > most:
            self.add(path, "too_long", told_length(text, most))

    def check_comment(self, path: Path) -> None:
        """Warn of what follows a text without quotes as a comment: it is no part of the text."""
        lost = self.places.comment_after(path)
        if lost is not None:
            shown_text = lost if len(lost) <= _MOST_SHOWN else f"{lost[:_MOST_SHOWN]}…"
            told = worded(
                "%(comment)s is a comment and no part of the text: put quotes round the text to "
                "keep a '#' in it",
                comment=repr(shown_text),
            )
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
            told = worded(
                "must be a whole number from %(least)s to %(most)s, not %(given)s",
                least=least,
                most=most,
                given=brief(value),
            )
            nearest = str(meant) if meant is not None else None
            self.add(
                (*path, name),
                "bad_number",
                worded("%(told)s; write %(nearest)s", told=told, nearest=nearest) if nearest else told,
                nearest,
            )
            return least
        return value

    def number(self, value: object, path: Path, code: str, *, most: float, unit: str | None = None) -> float:
        """Read a number of at most `most` on either side of 0; its fault names the one that was meant."""
        if not isinstance(value, bool) and isinstance(value, int | float) and -most <= value <= most:
            return float(value)
        meant = number_meant(value, unit)
        told = worded("must be a number, not %(given)s", given=brief(value))
        if isinstance(value, int | float) and not isinstance(value, bool):
            told = worded(
                "must be a number between %(least)s and %(most)s, not %(given)s",
                least=f"{-most:g}",
                most=f"{most:g}",
                given=brief(value),
            )
        if meant is not None:
            told = (
                worded("%(told)s; write %(nearest)s without quotes", told=told, nearest=meant)
                if isinstance(value, str)
                else worded("%(told)s; write %(nearest)s", told=told, nearest=meant)
            )
        self.add(path, code, told, meant)
        return 0.0


def told_length(text: str, most: int) -> Worded:
    """Return why a text is too long."""
    word = max(map(len, text.split()), default=0)
    if word > MOST_KEY:
        return worded(
            "has %(length)s characters (%(word)s of them one word), and at most %(most)s are taken",
            length=len(text),
            word=word,
            most=most,
        )
    return told_number(text, most)


def told_number(text: str, most: int) -> Worded:
    """Return of how many characters a text is, which are too many, whatever its words are."""
    return worded("has %(length)s characters, and at most %(most)s are taken", length=len(text), most=most)


def not_a_text(value: object, wanted: Worded = _A_TEXT) -> Worded:
    """Return why a value is no text, and how it becomes one."""
    if value is None:
        return worded("is empty: it must be %(wanted)s", wanted=wanted)
    if isinstance(value, bool | int | float):
        return worded(
            "must be %(wanted)s, not %(given)s: put quotes round it if it is meant as a text",
            wanted=wanted,
            given=brief(value),
        )
    return worded("must be %(wanted)s", wanted=wanted)


def brief(value: object) -> str:
    """Return what was written, shortened, as a message shows it."""
    if value is None:
        return worded("empty")
    if isinstance(value, bool):
        return str(value).lower()
    written = repr(value)
    return written if len(written) <= _MOST_SHOWN else f"{written[:_MOST_SHOWN]}…"


def _fault_of_key(value: object, pattern: re.Pattern[str]) -> Worded:
    rule = _rule_of_key(pattern)
    if value is None:
        return worded("is empty: %(rule)s", rule=rule)
    if not isinstance(value, str):
        return worded("%(told)s; %(rule)s", told=not_a_text(value), rule=rule)
    if len(value) > MOST_KEY:
        return worded("has %(length)s characters: %(rule)s", length=len(value), rule=rule)
    strange = list(dict.fromkeys(c for c in value if not re.fullmatch("[A-Za-z0-9_.-]", c)))
    told = worded("%(given)s is no key: %(rule)s", given=brief(value), rule=rule)
    if strange:
        told = worded(
            "%(given)s holds %(signs)s: %(rule)s", given=brief(value), signs=_listed(strange[:5]), rule=rule
        )
    if pattern is not KEY:
        return told
    return worded("%(told)s; the key that another tool gives it can be its external_id", told=told)


def _rule_of_key(pattern: re.Pattern[str]) -> Worded:
    if pattern is KEY:
        return worded(
            "a key is up to %(most)s letters, digits, '-', '.' and '_' (A to Z without accents), and ends with no '.'",
            most=MOST_KEY,
        )
    return worded(
        "a key is up to %(most)s letters, digits, '-' and '_' (A to Z without accents)", most=MOST_KEY
    )


def _listed(strange: Sequence[str]) -> Worded:
    """Return characters as a message names them."""
    named = [worded("a space") if each == " " else _named(each) for each in strange]
    return joined(named)


def _named(character: str) -> str:
    visible = character.isprintable() and not character.isspace()
    return f"{character!r}" if visible else f"U+{ord(character):04X}"


def shown(path: Path) -> str:
    """Return a path as it is written: `requirements[2].key`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.lstrip(".")
