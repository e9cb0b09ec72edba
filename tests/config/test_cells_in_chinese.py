"""What pages and lists compute for a cell is said in the reader's language: no display function returns bare English.

Read are the functions of admins and pages that return a text: each text that they return themselves is marked for
translation, or is no word of the interface (a code, a class, an attribute).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from django.conf import settings
from django.contrib import admin
from django.utils import translation

from evidence.admin.frame import record_names
from evidence.admin.frame.record_names import name_of
from evidence.admin.frame.units import unit_in_words
from evidence.models import Defeater
from tests.config.test_pages_in_chinese import latin_of
from tests.e2e.pages import full_world
from tests.factories import World

PLACES: Final = (
    "evidence/admin", "evidence/pages", "requirements/admin", "requirements/pages", "interpret/admin",
    "interpret/pages",
)  # fmt: skip
MARKERS: Final = {"_", "gettext", "gettext_lazy", "ngettext", "pgettext", "npgettext"}
# What takes codes, attributes, formats and addresses, and no words.
CODES: Final = {
    "annotate", "badge", "date_format", "filter", "get", "getattr", "hasattr", "list_url", "order_by", "partition",
    "removeprefix", "removesuffix", "render_to_string", "replace", "reverse", "split", "startswith", "strftime",
    "values_list",
}  # fmt: skip
# What these return is no text for a reader.
SILENT: Final = {"lookups", "as_hashed", "order_of", "key", "id", "_searched_actors", "_shown_name", "_where"}
# Refusals of an address say the same here as by API.
REFUSALS: Final = re.compile(r"fault|^_no_|^_repetition$")
HAN: Final = re.compile(r"[\u4e00-\u9fff]")
FEWEST_READ: Final = 250  # texts, marked or not; fewer would mean that the walk lost some


def words_of(text: str) -> list[str]:
    """Return the words of a text, without markup and what is filled in."""
    bare = re.sub(r"<[^>]*>|%\(\w+\)[sd]|\{[^}]*\}|&\w+;|[\w.]*=\"", " ", text)
    return [word for word in latin_of(bare) if len(word) > 1]


def said_in(node: ast.AST) -> Iterator[tuple[str, bool]]:
    """Yield the texts that an expression comes to, each with whether it is marked."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield node.value, False
        return
    if isinstance(node, ast.Call) and name_called(node) in MARKERS:
        yield "", True
        return
    for part in parts_of(node):
        yield from said_in(part)


def name_called(call: ast.Call) -> str:
    return str(getattr(call.func, "id", getattr(call.func, "attr", "")))


def parts_of(node: ast.AST) -> list[ast.AST]:
    """Return the parts of an expression that it can come to: not what it asks, and no codes."""
    match node:
        case ast.Call(func=function, args=given):
            whose = [function.value] if isinstance(function, ast.Attribute) else []
            return [] if name_called(node) in CODES else [*whose, *given]
        case ast.IfExp(body=body, orelse=orelse):
            return [body, orelse]
        case ast.Compare() | ast.Dict():
            return []
        case ast.Subscript(value=value) | ast.FormattedValue(value=value):
            return [value]
        case ast.ListComp(elt=each) | ast.GeneratorExp(elt=each) | ast.SetComp(elt=each):
            return [each]
    return list(ast.iter_child_nodes(node))


def returned_in(source: str) -> Iterator[tuple[str, str, bool]]:
    """Yield each text that a function with texts for an answer returns, with the function's name."""
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef) or function.returns is None:
            continue
        answers = ast.unparse(function.returns)
        if "str" not in answers and "Safe" not in answers:
            continue
        if function.name in SILENT or REFUSALS.search(function.name):
            continue
        for step in ast.walk(function):
            if isinstance(step, ast.Return | ast.Yield) and step.value is not None:
                for text, is_marked in said_in(step.value):
                    yield function.name, text, is_marked


def test_no_function_of_a_cell_returns_bare_english() -> None:
    bare, seen = [], 0
    for place in PLACES:
        for path in sorted((Path(settings.BASE_DIR) / place).rglob("*.py")):
            for name, text, is_marked in returned_in(path.read_text()):
                seen += 1
                if not is_marked and words_of(text):
                    bare.append(f"{path.name} {name}: {text!r}")
    assert seen >= FEWEST_READ
    assert bare == []


@pytest.mark.parametrize(
    ("body", "is_heard"),
    [
        ('return f"{row.n} of {row.all}"', True),
        ('return row.text or "(no quote given)"', True),
        ("return format_html('<a href=\"{}\">Open it here</a>', url)", True),
        ('return "counts"', True),
        ('return _("%(n)s of %(all)s") % told', False),
        ('return format_html(\'<span class="tb-quiet" lang="{}">{}</span>\', a, b)', False),
        ('return badge("in force")', False),
    ],
)
def test_the_walk_hears_a_cell_that_speaks_english(body: str, is_heard: bool) -> None:
    source = f"def cell(row) -> str:\n    {body}\n"
    heard = [text for _, text, is_marked in returned_in(source) if not is_marked and words_of(text)]
    assert bool(heard) is is_heard


@pytest.mark.django_db
def test_each_name_of_a_record_can_be_filled_in_and_is_in_english_what_the_record_calls_itself() -> None:
    full_world()
    seen, english = 0, []
    for label, (text, _) in record_names._NAMES.items():
        model = next(each for each in admin.site._registry if each._meta.label_lower == label)
        row = model._default_manager.order_by("-pk").first()
        assert row is not None, f"{label}: full_world has none"
        seen += 1
        with translation.override("en"):
            said = re.sub(r" \([^)]*\)$", "", name_of(row))
            own = words_of(str(text))
            assert str(row).replace("_", " ").startswith(said.replace("_", " ")), label
        with translation.override("zh-hans"):
            assert not set(words_of(str(text))) & set(own), label
            if own and not HAN.search(name_of(row)):
                english.append(f"{label}: {name_of(row)}")
    assert english == []
    assert seen == len(record_names._NAMES)


@pytest.mark.django_db
def test_a_record_is_named_in_the_readers_language_and_stored_names_stay_english(world: World) -> None:
    doubt = Defeater(pk=7)
    with translation.override("zh-hans"):
        assert name_of(doubt) == "质疑 7"
        assert str(doubt) == "doubt 7"
        assert unit_in_words("share") == "比例"
        assert unit_in_words("widgets") == "widgets"
