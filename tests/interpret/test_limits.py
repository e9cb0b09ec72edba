"""What a probe's finding does not show is said in the reader's language, for every sentence that a probe writes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final

import pytest
from django.utils.translation import override

import interpret.probes
from interpret.pages.limits import LIMITS, NO_PROOF, said_of_limits, show_limits

PROBES: Final = Path(interpret.probes.__file__).parent
NAMED: Final = "does_not_show"


def sentences_of(path: Path) -> Iterator[str]:
    """Yield what the findings of a probe may say under `does_not_show`, read from its source."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == NAMED:
            yield from texts_of(node.value, tree, path)
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == NAMED:
                    yield from texts_of(value, tree, path)


def texts_of(node: ast.AST, tree: ast.AST, path: Path) -> list[str]:
    """Return each text that an expression can come to; none where it hands on what another sentence was."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=parts):
            return ["".join(each) for each in product(*(texts_of(part, tree, path) for part in parts))]
        case ast.FormattedValue(value=ast.Name(id=name)):
            return [text for value in assigned(name, tree) for text in texts_of(value, tree, path)]
        case ast.FormattedValue(value=ast.Attribute(attr=name)):
            beside = ast.parse(path.with_name("prompt_sets.py").read_text(encoding="utf-8"))
            return [text for value in returned(name, beside) for text in texts_of(value, beside, path)]
        case ast.Attribute(attr=name) if name == NAMED:
            return []
    raise AssertionError(f"{path}: {ast.unparse(node)} cannot be read: say it by a text of its own")


def assigned(name: str, tree: ast.AST) -> list[ast.expr]:
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and [ast.unparse(each) for each in node.targets] == [name]
    ]


def returned(name: str, tree: ast.AST) -> list[ast.expr]:
    """Return what a property comes to."""
    (function,) = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == name)
    return [node.value for node in ast.walk(function) if isinstance(node, ast.Return) and node.value]


WRITTEN: Final = [text for path in sorted(PROBES.rglob("*.py")) for text in sentences_of(path)]


def test_every_sentence_of_every_probe_has_its_words() -> None:
    assert len(WRITTEN) > 20
    with override("zh-hans"):
        assert [text for text in WRITTEN if not said_of_limits(text)] == []


def test_no_words_are_kept_for_what_no_probe_says() -> None:
    assert {text.removesuffix(NO_PROOF).rstrip() for text in WRITTEN} == LIMITS


@pytest.mark.parametrize("text", ["That an earlier probe wrote otherwise.", "", f"Otherwise. {NO_PROOF}"])
def test_what_is_not_known_stays_as_it_is_stored_and_is_marked(text: str) -> None:
    with override("zh-hans"):
        shown = show_limits(text)
    assert shown == (f'<span lang="en">{text}</span>' if text else "")


def test_what_is_stored_stands_beside_what_it_says() -> None:
    text = next(each for each in WRITTEN if each.endswith(NO_PROOF))
    with override("zh-hans"):
        assert show_limits(text).endswith(f'lang="en">{text}</span>')
    with override("en"):
        assert show_limits(text) == text
