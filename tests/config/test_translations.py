"""The interface in two languages: nothing marked is without its translation, and what is written is compiled."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import polib
import pytest
from django.template import Context, Template
from django.test import Client
from django.urls import reverse
from django.utils import translation

from config.translations import (
    PACKAGES,
    Message,
    catalogue_path,
    languages,
    marked_messages,
    messages_of_python,
    messages_of_template,
    update_catalogue,
)
from evidence.admin.frame.display import badge, figure
from tests.factories import World
from tests.invariants.walk import REPOSITORY

HAN = re.compile("[\u4e00-\u9fff]")
PLACEHOLDER = re.compile(r"%\(\w+\)s|%s|</?\w+[^>]*>")


def test_a_percent_sign_in_a_template_is_looked_up_as_it_is_marked() -> None:
    marked = '{% load i18n %}{% translate "Share, each bound at 95%" %}'
    (message,) = messages_of_template(marked)
    assert message in {Message(each.msgid) for each in polib.pofile(str(catalogue_path("zh_Hans")))}
    with translation.override("zh-hans"):
        said = Template(marked).render(Context())
    assert HAN.search(said)
    assert said.count("%") == 1


def test_chinese_is_the_one_language_besides_english() -> None:
    assert languages() == ["zh_Hans"]


@pytest.fixture(scope="module")
def messages() -> dict[Message, list[str]]:
    """What the code and the templates mark, with where."""
    return marked_messages()


@pytest.mark.parametrize("language", languages())
def test_each_marked_text_has_a_translation_and_no_other_is_kept(
    language: str, messages: dict[Message, list[str]]
) -> None:
    catalogue = polib.pofile(str(catalogue_path(language)))
    kept = {
        Message(each.msgid, each.msgid_plural, each.msgctxt or "") for each in catalogue if each.translated()
    }
    marked = set(messages)
    assert len(marked) > 200, "the walk has lost its way"
    assert not marked - kept, "run `make translations` and fill in what it names"
    assert not kept - marked, "nobody marks these any more: run `make translations`"
    assert not catalogue.fuzzy_entries()


# By the word for a thing: what else it was called.
ONE_WORD: Final = {
    "轨迹": ("追踪",),
    "标准答案题": ("金标",),
    "研究员": ("研究人员",),
    "访问提议": ("权限提案", "权限提议", "访问提案"),
    "基线": ("基准",),
    "证据卷宗": ("证据包",),
    "陈述": ("论断",),
    "轨迹标识": ("轨迹编号",),
    "批准人": ("审批人",),
    "观测": ("观察",),
    "运维人员": ("操作员",),
    "回退": ("回滚",),
    "可疑": ("存疑",),
    "词元": ("令牌数",),
    "读取规则": ("读法",),
}
OF_TRACE_LINKS: Final = re.compile(
    r"^requirements/|/requirements/|pages/(coverage|desk|impact|import|links?)\.html"
)


def test_a_noun_is_called_one_thing() -> None:
    """A reader takes two words for two things."""
    told = [text for each in polib.pofile(str(catalogue_path("zh_Hans"))) for text in texts_of(each)]
    for word, others in ONE_WORD.items():
        assert any(word in text for text in told)
        assert [text for text in told for other in others if other in text] == [], f"it is {word}"


def test_a_link_between_records_is_no_link_of_a_page() -> None:
    """Chinese has two words for them: what answers to what, and what is clicked."""
    told = [
        text
        for each in polib.pofile(str(catalogue_path("zh_Hans")))
        if any(OF_TRACE_LINKS.search(place) for place, _ in each.occurrences) and "password" not in each.msgid
        for text in texts_of(each)
    ]
    assert len(told) > 500
    assert [text for text in told if "链接" in text] == []


@pytest.mark.parametrize(
    "page", sorted((REPOSITORY / "docs" / "guides").glob("*.md")), ids=lambda page: page.name
)
def test_the_guides_use_the_words_of_the_pages(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [other for others in ONE_WORD.values() for other in others if other in text] == []


# Where a reader is named a thing; in the others stand codes, which have forms of their own.
NAMING: Final = {"", "nouns", "heading", "label", "record", "way"}
NOUNS: Final = {"nouns", "heading"}
# English words that name two things.
TWO_THINGS: Final = {
    "at": "a time, and the version of something",
    "before": "what was so then, and the page before",
    "by": "who did it, and whose it is",
    "measured": "what is measured, and what came out",
    "number": "which one, and how many",
    "registered": "that it is, and by whom",
    "subject": "what an event is about, and who signs in at a provider",
    "to": "a state that is reached, and an end of a period",
    "until": "when it ends, and an end of a period",
    "what": "what was done, and what a line is about",
}


def forms_of(entries: Iterable[polib.POEntry]) -> dict[str, set[str]]:
    """Return what each noun is called, without the measure word that stands where it is counted."""
    named = [each for each in entries if not each.msgid_plural and (each.msgctxt or "") in NAMING]
    nouns = {each.msgid.casefold() for each in named if each.msgctxt in NOUNS}
    forms: dict[str, set[str]] = {noun: set() for noun in nouns}
    for each in named:
        if each.msgid.casefold() in nouns:
            counted = each.msgid[0].islower() and each.msgctxt is None
            forms[each.msgid.casefold()].add(
                re.sub("^[个份条次项]", "", each.msgstr) if counted else each.msgstr
            )
    return forms


def test_a_noun_has_one_form_wherever_it_stands() -> None:
    forms = forms_of(polib.pofile(str(catalogue_path("zh_Hans"))))
    several = {noun: found for noun, found in forms.items() if len(found) > 1}
    assert len(forms) > 200
    assert {noun: found for noun, found in several.items() if noun not in TWO_THINGS} == {}
    assert sorted(TWO_THINGS) == sorted(several), "an exception that is none any more"


@pytest.mark.parametrize(
    ("also", "found"),
    [
        ({"msgid": "Doubts", "msgstr": "疑问"}, {"质疑", "疑问"}),
        ({"msgid": "doubts", "msgstr": "项质疑"}, {"质疑"}),
        ({"msgid": "doubts", "msgstr": "存疑", "msgctxt": "verdict"}, {"质疑"}),
    ],
)
def test_another_form_of_a_noun_is_found(also: dict[str, str], found: set[str]) -> None:
    noun = polib.POEntry(msgid="Doubts", msgstr="质疑", msgctxt="nouns")
    assert forms_of([noun, polib.POEntry(**also)]) == {"doubts": found}


def texts_of(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


@pytest.mark.parametrize("language", languages())
def test_what_is_compiled_and_committed_is_what_is_written(
    language: str, messages: dict[Message, list[str]]
) -> None:
    path = catalogue_path(language)
    assert str(update_catalogue(language, messages)) == path.read_text(), "run `make translations`"
    assert polib.pofile(str(path)).to_binary() == path.with_suffix(".mo").read_bytes(), (
        "run `make translations`"
    )


def faults_of(entry: polib.POEntry) -> Iterator[str]:
    """Yield what is wrong with the translation of a text."""
    for text in entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr]:
        if not HAN.search(text) and re.search("[A-Za-z]", PLACEHOLDER.sub("", entry.msgid)):
            yield f"{entry.msgid!r} is not translated: {text!r}"
        if sorted(PLACEHOLDER.findall(text)) != sorted(PLACEHOLDER.findall(entry.msgid)):
            yield f"{entry.msgid!r} is filled in otherwise: {text!r}"
        if re.search(r"[\u4e00-\u9fff][,;:?!]", text):
            yield f"half-width punctuation: {text!r}"
        if text.count('"') != entry.msgid.count('"'):
            yield f"a quote would end an attribute: {text!r}"
        if text[:1].isspace() != entry.msgid[:1].isspace():
            yield f"{entry.msgid!r} begins otherwise: {text!r}"


def test_a_translation_is_chinese_and_keeps_what_is_filled_in() -> None:
    assert not [fault for entry in polib.pofile(str(catalogue_path("zh_Hans"))) for fault in faults_of(entry)]
    assert len(list(faults_of(polib.POEntry(msgid="by %(who)s", msgstr="由%(whom)s写")))) == 1
    assert len(list(faults_of(polib.POEntry(msgid="Home", msgstr="Home")))) == 1


def test_marks_are_found_in_code() -> None:
    source = """
title = _("a" "b")
other = gettext(title)
many = ngettext("%d row", "%d rows", 2)
word = pgettext_lazy("verdict", "open")
said = print("not marked")
"""
    assert list(messages_of_python(source)) == [
        Message("ab"), Message("%d row", "%d rows"), Message("open", context="verdict"),
    ]  # fmt: skip


def test_no_module_marks_its_texts_under_a_name_that_the_walk_does_not_know() -> None:
    renamed = re.compile(r"import n?p?gettext(?:_lazy|_noop)? as (?!_$)\w+", re.MULTILINE)
    assert renamed.search("from django.utils.translation import gettext as _now")
    modules = [path for package in PACKAGES for path in (REPOSITORY / package).rglob("*.py")]
    assert len(modules) > 500
    assert [str(path) for path in modules if renamed.search(path.read_text())] == []


def test_marks_are_found_in_templates_however_deep() -> None:
    source = """{% extends "pages/frame.html" %}{% load i18n %}{% block page %}{% if a %}{% for b in c %}
{% translate "one" %}{% translate "two" context "verdict" %}{% translate variable %}{% endfor %}{% else %}
{% blocktranslate trimmed with x=y %}
  three {{ x }} at 100%
{% endblocktranslate %}{% endif %}
<p title="{% blocktranslate count n=a %}four{% plural %}fours{% endblocktranslate %}">{% endblock %}"""
    assert set(messages_of_template(source)) == {
        Message("one"), Message("two", context="verdict"), Message("three %(x)s at 100%%"), Message("four", "fours"),
    }  # fmt: skip


@pytest.mark.django_db
def test_a_browser_that_asks_for_chinese_is_answered_in_it(world: World) -> None:
    client = Client(headers={"accept-language": "zh-CN,zh;q=0.9"})
    client.force_login(world.people["reviewer"])
    with translation.override("en"):  # the middleware leaves its choice behind
        page = client.get(reverse("admin:index")).content.decode()
    assert '<html lang="zh-hans"' in page
    assert "等待人工审阅的回答" in page
    assert "answers that wait for a person" not in page


def test_codes_and_figures_are_said_in_the_readers_language() -> None:
    with translation.override("zh-hans"):
        assert "逐字一致" in badge("verbatim")
        assert figure(value=0.9, unit="share", low=0.8, high=0.95, n=10, bound_confidence=0.95).startswith(
            "0.9 比例 [0.8, 0.95]，两端各为单侧 95% 界限"
        )
    with translation.override("en"):
        assert "verbatim" in badge("verbatim")
        assert figure(value=None, unit="share", n=3) == "not measured, n 3"
