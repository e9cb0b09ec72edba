"""What a list finds by words is what Django's own search of lists finds, also in columns of other records."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.db.models import Model, QuerySet
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from evidence.admin.frame.word_search import find_words
from evidence.models import ArtefactVersion, Review
from tests.e2e.pages import full_world
from tests.factories import World

pytestmark = pytest.mark.django_db
NOWHERE = "qqzzqq"


def searched_lists() -> dict[type[Model], Any]:
    """Return the lists that are searched by words alone."""
    site: dict[Any, Any] = admin.site._registry
    return {model: each for model, each in site.items() if each.search_fields}


def words_in(rows: QuerySet[Any], fields: list[str]) -> list[str]:
    """Return what somebody would look for: what stands in the columns, parts of it, and several at once."""
    paths = [field.lstrip("=^") for field in fields]
    stored = [str(each) for row in rows.order_by("-pk").values_list(*paths)[:3] for each in row if each]
    whole = [text.replace('"', " ").split()[0] for text in stored if text.strip('" {}')]
    parts = [text[1:-1].upper() for text in whole if len(text) > 4]
    several = [" ".join(whole[:2]), " ".join(parts[-2:]), " ".join([*whole[:1], NOWHERE])]
    return [each for each in (*whole, *parts, *several, NOWHERE) if each]


def rows_of(of_list: Any, world: World) -> QuerySet[Any]:
    """Return the rows of a list, as somebody is shown them who is shown any."""
    for person in world.people.values():
        request: Any = RequestFactory().get("/")
        request.user, request.session = person, SessionStore()
        rows: QuerySet[Any] = of_list.get_queryset(request)
        if rows.exists():
            return rows
    raise AssertionError(of_list)


def test_each_list_finds_what_its_joins_would() -> None:
    world = full_world()
    request, n_found, n_elsewhere = RequestFactory().get("/"), 0, 0
    for model, of_list in searched_lists().items():
        rows, fields = rows_of(of_list, world), list(of_list.search_fields)
        for word in words_in(rows, fields):
            found, may_repeat = find_words(rows, fields, word)
            joined, would_repeat = admin.ModelAdmin.get_search_results(of_list, request, rows, word)
            keys = set(found.values_list("pk", flat=True))
            assert keys == set(joined.values_list("pk", flat=True)), (model, word)
            assert may_repeat == would_repeat
            n_found += bool(keys)
            n_elsewhere += "__" in "".join(fields) and bool(keys)
    assert n_found > 100
    assert n_elsewhere > 40


def test_a_quoted_word_has_spaces() -> None:
    full_world()
    version = ArtefactVersion.objects.exclude(label="").first()
    assert version is not None
    version.artefact.versions.create(number=99, label="two words", digest="9" * 64)
    assert find_words(ArtefactVersion.objects.all(), ["label"], '"two words"')[0].count() == 1
    assert find_words(ArtefactVersion.objects.all(), ["label"], '"words two"')[0].count() == 0
    assert find_words(ArtefactVersion.objects.all(), ["label"], "words two")[0].count() == 1


def test_of_other_records_none_of_which_holds_a_word_no_row_is_read() -> None:
    rows = find_words(Review.objects.all(), ["=reviewer__username"], NOWHERE)[0]
    with CaptureQueriesContext(connection) as asked:
        assert not rows.exists()
    assert len(asked) == 1
    plan = rows.order_by("-pk").explain()
    assert "One-Time Filter" in plan, plan
