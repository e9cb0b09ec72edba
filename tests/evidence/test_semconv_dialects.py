"""Attribute names are data of a dialect; a reader that names one would not be found when a dialect changes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import evidence.semconv
from evidence.semconv.dialects import DIALECTS

READERS = sorted(Path(evidence.semconv.__file__).parent.glob("*.py"))


def namespaces() -> set[str]:
    """What the names of attributes, of any dialect, begin with."""
    keys = {key for dialect in DIALECTS for listed in dialect.attributes.values() for key in listed}
    for dialect in DIALECTS:
        keys |= {
            key for where in dialect.versions.values() for key in (*where.name, *where.label, *where.digest)
        }
    return {f"{key.split('.')[0]}." for key in keys}


@pytest.mark.parametrize("path", READERS, ids=lambda path: path.name)
def test_a_reader_names_no_attribute(path: Path) -> None:
    begins = tuple(namespaces())
    assert "gen_ai." in begins
    assert "tracebinder." in begins
    texts = [
        node.value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert [text for text in texts if text.startswith(begins)] == []
