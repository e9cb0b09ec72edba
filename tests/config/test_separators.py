"""What stands between two of several on a page: Chinese has signs of its own, and no space after them."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final, TypeGuard

import pytest
from django.template import Context, Template
from django.test import Client
from django.utils.translation import override

from evidence.admin.frame.display import figure
from evidence.admin.frame.labels import choice_of
from evidence.models import Deployment
from tests.factories import World, deploy

_TEMPLATES: Final = Path("config/templates")
_PAGES: Final = [
    f"{app}/{kind}" for app in ("evidence", "requirements", "interpret") for kind in ("admin", "pages")
]
_IN_ENGLISH: Final = ('|join:", "', '|join:"; "', "forloop.last %}, ", "forloop.last %}; ")


def test_no_template_separates_by_a_sign_of_english() -> None:
    found = [
        f"{path.relative_to(_TEMPLATES)}: {sign}"
        for path in sorted(_TEMPLATES.rglob("*.html"))
        for sign in _IN_ENGLISH
        if sign in path.read_text(encoding="utf-8")
    ]
    assert found == [], "use |listed, |listed_apart or {% comma %}"


def test_no_page_separates_what_it_lists_by_a_sign_of_english() -> None:
    """In code as in templates. What stands in an address, a file or a key is no list that somebody reads."""
    found = [
        f"{path}:{node.lineno}"
        for folder in _PAGES
        for path in sorted(Path(folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if _separates(node)
    ]
    assert sorted(found) == [], "use `display.listed`, or `worded.joined` within a sentence"


def _separates(node: ast.AST) -> TypeGuard[ast.expr]:
    """Whether something is joined by ", " or put into "{}, {}"."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=", " | "; "), attr="join")):
            return True
        case ast.Constant(value=str(text)):
            return "{}, {}" in text or "{}; {}" in text
    return False


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "a, &lt;b&gt;|a; &lt;b&gt;|, "), ("zh-hans", "a、&lt;b&gt;|a；&lt;b&gt;|、")],
)
def test_what_is_listed_is_separated_as_its_reader_writes(language: str, said: str) -> None:
    template = Template("{% load tracebinder_admin %}{{ parts|listed }}|{{ parts|listed_apart }}|{% comma %}")
    with override(language):
        assert template.render(Context({"parts": ["a", "<b>"]})) == said


def test_a_figure_in_chinese_has_no_comma_of_english() -> None:
    with override("zh-hans"):
        said = figure(value=0.5, unit="share", low=0.1, high=0.9, n=20, confidence=0.95)
    assert said == "0.5 比例 [0.1, 0.9]，置信水平 95%，n 为 20"


def test_a_code_is_called_in_a_filter_what_its_own_column_calls_it() -> None:
    field = Deployment._meta.get_field("basis")
    with override("en"):
        assert choice_of("open", "Open", str(field)) == "Not protected"
    with override("zh-hans"):
        assert choice_of("open", "Open", str(field)) == "未受保护"
        assert choice_of("open", "Open") == "待审阅"


def test_a_label_that_django_made_of_a_code_has_one_capital() -> None:
    with override("en"):
        assert choice_of("not_met", "Not Met") == "Not met"
        assert choice_of("ci", "CI") == "CI"


@pytest.mark.django_db
def test_a_list_in_chinese_counts_without_a_measure_word(world: World, client: Client) -> None:
    deploy(world.release)
    client.force_login(world.people["auditor"])
    page = client.get("/admin/evidence/deployment/", headers={"accept-language": "zh-hans"}).content.decode()
    assert "部署：1" in page
    assert "1 部署" not in page
    english = client.get("/admin/evidence/deployment/", headers={"accept-language": "en"}).content.decode()
    assert "1 deployment" in english
