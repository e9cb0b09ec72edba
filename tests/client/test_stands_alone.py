"""The client is small, runs on Python 3.10, and brings its schemas and CI files along."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

CLIENT = Path(__file__).parents[2] / "client"
FILES = sorted((CLIENT / "tracebinder").rglob("*.py"))
# Names of the standard library that came after Python 3.10, and that one reaches for.
NEWER = {
    "datetime": {"UTC"},
    "enum": {"StrEnum", "ReprEnum", "verify", "member", "nonmember"},
    "typing": {
        "Never",
        "Self",
        "LiteralString",
        "NotRequired",
        "Required",
        "Unpack",
        "assert_never",
        "override",
    },
    "contextlib": {"chdir"},
    "hashlib": {"file_digest"},
    "itertools": {"batched"},
}
NEWER_MODULES = {"tomllib", "wsgiref.types"}


def imports_of(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each module and name that a file imports; the name is empty where it imports the module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 10))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, each.name) for each in node.names)
        elif isinstance(node, ast.Import):
            yield from ((each.name, "") for each in node.names)


@pytest.mark.parametrize("path", FILES, ids=[path.relative_to(CLIENT).as_posix() for path in FILES])
def test_a_file_runs_on_python_3_10(path: Path) -> None:
    for module, name in imports_of(path):
        assert module not in NEWER_MODULES
        assert name not in NEWER.get(module, set())


def test_it_says_so_and_needs_one_library() -> None:
    told = tomllib.loads((CLIENT / "pyproject.toml").read_text())
    assert told["project"]["requires-python"] == ">=3.10"
    assert [each.partition(">")[0] for each in told["project"]["dependencies"]] == ["cryptography"]
    packed = told["tool"]["setuptools"]["package-data"]["tracebinder"]
    assert any(pattern.startswith("schemas/") for pattern in packed)
