"""What stops the reading of a file, in words that say what to do: libyaml's own tell what its scanner expected."""

from __future__ import annotations

import re
from typing import Final

import yaml

from evidence.worded import Worded, quoted, worded

_ESCAPE: Final = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}|\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_INDENT: Final = re.compile(r"[ ]*")
_COLON: Final = "mapping values are not allowed"


class Unreadable(ValueError):
    """The text is not the YAML we read. Carries the line and column, from 1, and a code."""

    def __init__(self, line: int, column: int, message: Worded, code: str = "not_yaml") -> None:
        super().__init__(message)
        self.line = line
        self.column = column
        self.code = code


def explain(error: yaml.MarkedYAMLError, text: str) -> Unreadable:
    """Return what to do about an error of libyaml's, where that can be told from the line it stands in."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    lines = text.split("\n")
    here = lines[line - 1] if line <= len(lines) else ""
    problem = quoted(str(error.problem or error.context or "not readable as YAML"))
    if found := _first_tab(lines, line):
        return Unreadable(
            found, 1, worded("a tab stands in the indentation: YAML is indented with spaces only")
        )
    if "escape" in problem and (half := _ESCAPE.search(here)):
        told = worded(
            "holds U+%(character)s, half of a surrogate pair: write the character itself",
            character=half[0][2:].upper(),
        )
        return Unreadable(line, half.start() + 1, told, code="bad_character")
    if _COLON in problem and here.count(": ") + here.rstrip().endswith(":") > 1:
        told = worded(
            "a text with a colon and a blank in it needs quotes round it, or YAML takes it for a key",
        )
        return Unreadable(line, column, told)
    if (at := _odd_indentation(lines, line)) is not None:
        told = worded(
            "the indentation fits neither the line before nor any above it: fields of one "
            "requirement begin in the same column",
        )
        return Unreadable(at, len(_INDENT.match(lines[at - 1])[0]) + 1, told)  # type: ignore[index]  # matches always
    return Unreadable(line, column, problem)


def _first_tab(lines: list[str], line: int) -> int | None:
    """Return the line, from 1, at or just before an error that is indented with a tab."""
    for at in (line, line - 1, line + 1):
        if 0 < at <= len(lines):
            text = lines[at - 1]
            if "\t" in text[: len(text) - len(text.lstrip())]:
                return at
    return None


def _odd_indentation(lines: list[str], line: int) -> int | None:
    """Return the line, from 1, near an error, that begins in a column in which nothing above it does."""
    for at in (line, line - 1):
        if not 0 < at <= len(lines) or not lines[at - 1].strip():
            continue
        ours = len(_INDENT.match(lines[at - 1])[0])  # type: ignore[index]  # matches always
        above: set[int] = set()
        for text in lines[: at - 1]:
            if text.strip() and not text.lstrip().startswith("#"):
                indent = len(text) - len(text.lstrip(" "))
                above.add(indent)
                rest = text.lstrip(" ")
                if rest.startswith("- "):
                    above.add(indent + len(rest) - len(rest[2:].lstrip(" ")))
        if above and ours not in above and ours < max(above):
            return at
    return None
