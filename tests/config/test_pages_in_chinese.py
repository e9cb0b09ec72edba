"""Lists and record pages of the admin in Chinese: what the interface says is said in the reader's language.

Read is what the interface says by itself: titles, headings, labels, helps, filters and their choices, buttons, ways on,
and codes with a fixed vocabulary. What people and systems wrote is not: names, texts, ids, JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any, Final

import pytest
from django.contrib import admin
from django.contrib.admin import AllValuesFieldListFilter, RelatedFieldListFilter
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import translation

from evidence.admin.defeater import AgainstFilter
from evidence.admin.review.queue import LanguageFilter
from evidence.models import Membership, Scope
from evidence.roles import ROLES
from evidence.services import reviews
from tests.e2e.cases import make_task
from tests.evidence.test_admin import store_what_other_parts_store
from tests.factories import World, make_person

pytestmark = pytest.mark.django_db

# What is called so in Chinese, too: formats, algorithms, signs, and what a log or an interface of a program names.
NAMES: Final = {
    "API", "BagIt", "CI", "CSV", "Git", "ID", "JSON", "OIDC", "OTLP", "p", "n", "q", "RFC", "SAE",
    "Command", "Control", "Mac", "SHA", "TOTP", "Tracebinder", "URL", "UTC", "UUID", "ns", "URI", "P", "Q",
}  # fmt: skip
LATIN: Final = re.compile(r"[A-Za-z][A-Za-z]*")
CALLED_BY_CLASS: Final = re.compile(
    r"[A-Z]\w+ object \("
)  # as Django does with what has no name, in any title or link
SPOKEN: Final = {"h1", "nav", "label", "legend", "th", "summary", "button", "option", "caption"}
SPOKEN_CLASSES: Final = {
    "breadcrumbs",
    "errornote",
    "fieldset-heading",
    "help",
    "object-tools",
    "tb-badge",
    "tb-narrowed",
}
SILENT: Final = {"code", "pre", "script"}
VOID: Final = {"input", "br", "img", "link", "meta", "hr", "source", "wbr"}
FEWEST_LISTS, FEWEST_RECORDS, FEWEST_FORMS = 100, 50, 5  # fewer would mean that the walk lost some


def names_a_row(tag: str, given: dict[str, str]) -> bool:
    """Whether a tag holds what a row is called: the heading of a line, or a choice by its key."""
    if tag == "option":
        return re.fullmatch(r"(\w+ )?\d+", given.get("value", "")) is not None
    return tag == "th" and (given.get("scope") == "row" or "field-" in given.get("class", ""))


class Spoken(HTMLParser):
    """Reads what a page says by itself within its content, with what says it."""

    def __init__(self, coded: set[str]) -> None:
        super().__init__()
        self.said: list[tuple[str, str]] = []
        self._coded = {f"field-{name}" for name in coded}  # the cells of codes with a fixed vocabulary
        self._value = ""  # of the last choice: one that is called as it is stored is a stored name
        self._open: list[tuple[str, str]] = []  # each open tag, and what speaks in it; empty: nothing does

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        for name in ("aria-label", "placeholder"):
            if given.get(name) and given.get("class") != "action-select":  # which names the row
                self.said.append((name, given[name]))
        if tag == "input" and given.get("type") in {"submit", "button"}:
            self.said.append(("button", given.get("value", "")))
        self._value = given.get("value", "") if tag == "option" else ""
        if tag not in VOID:
            self._open.append((tag, self._speaker(tag, given)))

    def _speaker(self, tag: str, given: dict[str, str]) -> str:
        """Return what speaks within a tag; nothing where it holds what people and systems wrote."""
        classes = set(given.get("class", "").split())
        if tag == "td" or names_a_row(tag, given):
            return "code" if classes & self._coded else ""
        if tag in SILENT or given.get("translate") == "no" or given.get("id") == "changelist-filter":
            return ""  # the choices of filters are read by the kind of filter
        if tag == "div" and "form-row" in classes and classes & self._coded:
            return "code"
        speaks = [tag] if tag in SPOKEN else sorted(classes & SPOKEN_CLASSES)
        around = self._open[-1][1] if self._open else ""
        return speaks[0] if speaks else "way on" if tag == "a" and around == "breadcrumbs" else around

    def handle_endtag(self, tag: str) -> None:
        if tag in {each for each, _ in self._open}:
            while self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        if (
            data.strip() not in {"", self._value}
            and self._open
            and self._open[-1][1] not in {"", "breadcrumbs"}
        ):
            self.said.append((self._open[-1][1], " ".join(data.split())))


def latin_of(text: str) -> list[str]:
    """Return the words of a text in Latin letters that are not names."""
    return [word for word in LATIN.findall(text) if word not in NAMES]


def main_of(page: str) -> str:
    """Return the part of a page that is its own: from the way to it on, below the header that all pages share."""
    return page[page.index('class="breadcrumbs"') - 5 :]


def english_of(page: str, coded: set[str]) -> Iterator[str]:
    """Yield what a page says in English, with each record that it calls by its class, wherever that stands."""
    yield from (f"a record: {called}" for called in CALLED_BY_CLASS.findall(page))
    reader = Spoken(coded)
    reader.feed(main_of(page))
    yield from (f"{who}: {text}" for who, text in reader.said if latin_of(text))


def english_of_filters(shown: Any) -> Iterator[str]:
    """Yield what the choices of a list's filters say in English; choices that are rows or stored texts are content."""
    for each in shown.filter_specs:
        if isinstance(
            each, RelatedFieldListFilter | AllValuesFieldListFilter | LanguageFilter | AgainstFilter
        ):
            continue
        said = [str(choice["display"]) for choice in each.choices(shown) if "display" in choice]
        yield from (f"choice of {each.title}: {text}" for text in said if latin_of(text))


def coded_of(model: type[Model]) -> set[str]:
    return {
        name
        for field in model._meta.fields
        if field.choices
        for name in (field.name, f"{field.name}_as_listed")
    }


@pytest.fixture
def reader(world: World) -> Client:
    """The browser of somebody who may see everything, where there is a row of nearly every noun, and reads Chinese."""
    task = make_task(world)
    world.token(Scope.READ)
    store_what_other_parts_store(world)
    reviews.record_review(principal=world.principal("reviewer"), trace=task.trace, decision="approve")
    person = make_person("everybody", *ROLES)
    person.is_superuser = True
    person.save()
    Membership.objects.create(system=world.system, user=person)
    client = Client(headers={"accept-language": "zh-CN,zh;q=0.9"})
    client.force_login(person)
    return client


def names_of(model: type[Model]) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}"


def test_no_list_of_the_admin_speaks_english_to_a_chinese_reader(reader: Client) -> None:
    english, seen = [], 0
    for model in admin.site._registry:
        answer = reader.get(reverse(f"admin:{names_of(model)}_changelist"))
        if answer.status_code != 200:
            continue
        seen += 1
        with translation.override("zh-hans"):
            said = [
                *english_of(answer.content.decode(), coded_of(model)),
                *english_of_filters(answer.context["cl"]),
            ]
        english += [f"{model.__name__} {text}" for text in said]
    assert seen >= FEWEST_LISTS
    assert english == []


def test_no_record_page_of_the_admin_speaks_english_to_a_chinese_reader(reader: Client) -> None:
    english, seen = [], 0
    for model in admin.site._registry:
        row = model._default_manager.order_by("-pk").first()
        if row is None:
            continue
        answer = reader.get(reverse(f"admin:{names_of(model)}_change", args=[row.pk]))
        if answer.status_code != 200:
            continue
        seen += 1
        english += [
            f"{model.__name__} {text}" for text in english_of(answer.content.decode(), coded_of(model))
        ]
    assert seen >= FEWEST_RECORDS
    assert english == []


def test_no_form_of_the_admin_speaks_english_to_a_chinese_reader(reader: Client) -> None:
    english, seen = [], 0
    for model in admin.site._registry:
        answer = reader.get(reverse(f"admin:{names_of(model)}_add"))
        if answer.status_code != 200:
            continue
        seen += 1
        english += [
            f"{model.__name__} {text}" for text in english_of(answer.content.decode(), coded_of(model))
        ]
    assert seen >= FEWEST_FORMS
    assert english == []


def test_the_walk_hears_english_where_the_interface_speaks_and_leaves_what_people_wrote() -> None:
    page = """<div class="breadcrumbs"><a>Home</a> › a name</div><h1>View span</h1><h2>a record</h2>
    <label>Kind:</label><div class="readonly">a text</div><div class="form-row field-kind">High</div>
    <table><tr><th scope="col">Check</th></tr><tr><th scope="row">a row</th><td>a value</td></tr></table>
    <summary><span translate="no">calculator</span></summary><option value="7">a row</option>
    <option value="x">Go</option><td><a>Trace object (7)</a></td>"""
    assert list(english_of(page, {"kind"})) == [
        "a record: Trace object (",
        "way on: Home", "h1: View span", "label: Kind:", "code: High", "th: Check", "option: Go",
    ]  # fmt: skip
