"""Columns of lists: times as people say them, numbers with their unit and at the right."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.db.models import DateTimeField
from django.test import Client, RequestFactory
from django.utils.translation import override

from evidence.admin.frame.columns import as_listed, holds_times
from evidence.admin.frame.headings import heading_of, nouns_of
from evidence.admin.frame.labels import label_of
from evidence.admin.frame.moments import ago, due_in_words, in_words
from evidence.models import Blob
from tests.e2e.cases import make_task
from tests.evidence import binder_world
from tests.evidence.test_admin import store_what_other_parts_store
from tests.factories import World

_AS_STORED = re.compile(r"N [a-z]|Max |Min |.* days$|.* ref$")
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said", "in_chinese"),
    [
        (0, "just now", "刚刚"), (59, "just now", "刚刚"), (-30, "in a moment", "马上"),
        (60, "1 minute ago", "1 分钟前"), (3599, "59 minutes ago", "59 分钟前"), (3600, "1 hour ago", "1 小时前"),
        (3 * 3600 + 5, "3 hours ago", "3 小时前"), (86_400, "1 day ago", "1 天前"),
        (-2 * 86_400, "in 2 days", "2 天后"), (-90, "in 1 minute", "1 分钟后"), (-7200, "in 2 hours", "2 小时后"),
        (29 * 86_400, "29 days ago", "29 天前"), (30 * 86_400, "2026-10-30", "2026-10-30"),
        (-400 * 86_400, "2028-01-03", "2028-01-03"),
    ],
)  # fmt: skip
def test_a_time_is_said_by_how_far_it_is(seconds: int, said: str, in_chinese: str) -> None:
    for language, words in (("en", said), ("zh-hans", in_chinese)):
        with override(language):
            assert in_words(NOW - timedelta(seconds=seconds), NOW) == words


@pytest.mark.parametrize(
    ("seconds", "said", "in_chinese"),
    [
        (0, "due in a moment", "马上到期"), (-59, "due just now", "刚刚到期"), (60, "due in 1 minute", "1 分钟后到期"),
        (7200, "due in 2 hours", "2 小时后到期"), (2 * 86_400, "due in 2 days", "2 天后到期"),
        (-90, "1 minute late", "已逾期 1 分钟"), (-3 * 3600 - 5, "3 hours late", "已逾期 3 小时"),
        (-86_400, "1 day late", "已逾期 1 天"), (400 * 86_400, "due on 2028-01-03", "2028-01-03 到期"),
        (-30 * 86_400, "late since 2026-10-30", "自 2026-10-30 起逾期"),
    ],
)  # fmt: skip
def test_what_is_due_is_said_by_how_soon_it_is_or_how_late(seconds: int, said: str, in_chinese: str) -> None:
    for language, words in (("en", said), ("zh-hans", in_chinese)):
        with override(language):
            assert due_in_words(NOW + timedelta(seconds=seconds), NOW) == words


def test_the_time_itself_is_there() -> None:
    assert 'datetime="2020-01-02T03:04:05Z" title="2020-01-02 03:04:05 UTC"' in ago(
        datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    )


@pytest.mark.django_db
def test_the_ends_of_a_period_are_said_as_the_times_they_are(world: World) -> None:
    binder = binder_world.export(binder_world.fill_lightly(world))
    client = Client()
    client.force_login(world.people["auditor"])
    page = client.get("/admin/evidence/binder/").content.decode()
    for column, moment in (("period_from", binder.period_from), ("period_to", binder.period_to)):
        cell = re.search(rf"field-{column}_as_listed[^>]*>(.*?)</td>", page)
        assert cell is not None
        assert f">{moment.astimezone(UTC):%Y-%m-%d %H:%M}</time>" in cell[1]


@pytest.mark.django_db
def test_no_list_shows_a_bare_time(world: World) -> None:
    request = RequestFactory().get("/")
    request.user = world.people["auditor"]
    times = 0
    for model, of_list in admin.site._registry.items():
        stored = {each.name for each in model._meta.fields if isinstance(each, DateTimeField)}
        shown = of_list.get_list_display(request)
        assert not stored & {str(column) for column in shown}, model
        times += sum(holds_times(of_list, column) for column in shown)
    assert times > 60


@pytest.mark.django_db
def test_a_list_says_how_far_times_are_still_orders_by_them_and_has_units(world: World) -> None:
    make_task(world)
    client = Client()
    client.force_login(world.people["auditor"])
    page = client.get("/admin/evidence/trace/?o=-7").content.decode()
    assert re.search(
        r'<td class="field-sealed_at_as_listed"><time class="tb-time" [^>]+>just now</time></td>', page
    )
    assert 'role="region" aria-label="Table of traces" tabindex="0"' in page
    store_what_other_parts_store(world)
    page = client.get("/admin/evidence/evalscore/").content.decode()
    assert 'id="result_list" class="tb-n6 tb-n7"' in page, "unscored and errors"
    column = as_listed(admin.site._registry[Blob], ["size"])[0]
    assert str(label_for_field(column, Blob, admin.site._registry[Blob])) == "Size (bytes)"


def test_every_column_and_noun_is_called_something_in_chinese() -> None:
    english = []
    for model, of_list in admin.site._registry.items():
        if model._meta.app_label == "auth":
            continue  # which Django calls something itself
        shown = as_listed(of_list, [column for column in of_list.list_display if column != "action_checkbox"])
        labels = [label_for_field(column, model, of_list) for column in shown]
        with override("en"):
            said = [*map(heading_of, labels), nouns_of(model._meta.verbose_name_plural)]
        with override("zh-hans"):
            read = [*map(heading_of, labels), nouns_of(model._meta.verbose_name_plural)]
        english += [f"{model.__name__}: {en}" for en, zh in zip(said, read, strict=True) if en == zh]
    assert english == []


def test_columns_are_called_in_words_and_not_as_they_are_stored() -> None:
    """`n_spans` holds spans, which is what its heading says: nobody reads "N spans" or "Max age days"."""
    stored = []
    with override("en"):
        for model, of_list in admin.site._registry.items():
            columns = [each for each in of_list.list_display if each != "action_checkbox"]
            said = [heading_of(label_for_field(each, model, of_list)) for each in columns]
            said += [label_of(field.verbose_name) for field in model._meta.fields]
            stored += [f"{model.__name__}: {each}" for each in said if _AS_STORED.match(each)]
    assert stored == []


def test_each_list_is_called_after_what_it_lists(world: World) -> None:
    """That of people was called "Select user to change"."""
    client = Client(headers={"accept-language": "en"})
    client.force_login(world.people["operator"])
    assert "<h1>Users</h1>" in client.get("/admin/auth/user/").content.decode()
    assert "<h1>Memberships</h1>" in client.get("/admin/evidence/membership/").content.decode()
