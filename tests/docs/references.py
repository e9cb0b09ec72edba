"""What a page names: files, names in files, commands and settings, and whether they are there.

In a page's code spans:

* `evidence/locks.py` is a file, `evidence/services/` a folder; with `<runner>` in it, only its folder must exist;
* `evidence/locks.py::Lock` is a name in a file: a function, class or constant, or `Class.member`;
* `make check`, `manage.py retention` and `TRACEBINDER_HTTPS` are a target, a command and a variable.

A span that is none of these (`evidence.locks`, `as_of`, a path inside a binder) is not looked up.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from django.core.management import get_commands

REPOSITORY: Final = Path(__file__).resolve().parents[2]
DOCS: Final = REPOSITORY / "docs"

_SPAN: Final = re.compile(r"`([^`\n]+)`")
_LINK: Final = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)")
_FENCE: Final = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_TOP: Final = "evidence|requirements|interpret|config|client|examples|bench|tests|docs"
_PATH: Final = re.compile(rf"(?:{_TOP})/(?:[\w.<>-]+/)*(?:[\w.<>-]+\.[a-z]+(?:::[\w.]+)?)?")


def code_spans(page: Path) -> list[str]:
    """Return the code spans of a page, outside its fenced blocks, each once."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return list(dict.fromkeys(_SPAN.findall(text)))


def missing_in(page: Path) -> list[str]:
    """Return what a page names and what is not there."""
    return [
        f"{page.name}: {span}"
        for span in code_spans(page)
        if (found := is_there(span)) is not None and not found
    ]


def named_in(page: Path) -> list[str]:
    """Return the code spans of a page that are looked up."""
    return [span for span in code_spans(page) if is_there(span) is not None]


def is_there(span: str) -> bool | None:
    """Whether what a code span names exists; None where it names nothing that can be looked up."""
    match span.split():
        case ["make", target, *_]:
            return target in _targets()
        case ["manage.py", command, *_]:
            return command in get_commands()
        case [name] if name.startswith("TRACEBINDER_"):
            return name.removesuffix("_FILE") in _variables()
        case [name] if _PATH.fullmatch(name):
            return _path_is_there(*name.partition("::")[::2])
        case _:
            return None


def _path_is_there(path: str, name: str) -> bool:
    if "<" in path:
        folder = path[: path.index("<")].rpartition("/")[0]
        return (REPOSITORY / folder).is_dir()
    place = REPOSITORY / path
    if path.endswith("/"):
        return place.is_dir()
    return place.is_file() and (not name or name in names_of(place))


def broken_links(page: Path) -> list[str]:
    """Return the relative links of a page that lead nowhere."""
    targets = (target for target in _LINK.findall(page.read_text(encoding="utf-8")) if "://" not in target)
    return [f"{page.name}: {target}" for target in targets if not (page.parent / target).exists()]


@cache
def names_of(path: Path) -> frozenset[str]:
    """Return the names that a Python file defines at its top, and the members of its classes."""
    return frozenset(_defined(ast.parse(path.read_text(encoding="utf-8")).body))


def _defined(body: list[ast.stmt], prefix: str = "") -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield prefix + node.name
            if isinstance(node, ast.ClassDef):
                yield from _defined(node.body, f"{node.name}.")
        elif isinstance(node, ast.Assign):
            yield from (prefix + target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield prefix + node.target.id


@cache
def _targets() -> frozenset[str]:
    text = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    return frozenset(re.findall(r"^([a-z-]+):", text, re.MULTILINE))


@cache
def _variables() -> frozenset[str]:
    """The variables that the product reads, or the setting up of the tests."""
    files = [
        path
        for where in ("config/**/*.py", "tests/*.py", "tests/faults/*.py")
        for path in REPOSITORY.glob(where)
    ]
    return frozenset(
        name for path in files for name in re.findall(r"TRACEBINDER_\w+", path.read_text(encoding="utf-8"))
    )
