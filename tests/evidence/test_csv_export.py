"""Any list as CSV: all of its rows, narrowed as the list is, and nothing that a spreadsheet would carry out."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import format_html
from django.utils.safestring import mark_safe

from evidence.admin.frame import csv_export
from evidence.admin.frame.csv_export import as_cell, words_of
from evidence.admin.frame.display import badge, short_digest
from evidence.spreadsheet_cells import cell
from tests.e2e.cases import make_task
from tests.evidence.eval_files import eval_file, post
from tests.evidence.test_admin import store_what_other_parts_store
from tests.factories import World, make_world, manifest, register_release
from tests.requirements.builders import make_criterion

pytestmark = pytest.mark.django_db


def signed_in(person: User, **headers: str) -> Client:
    client = Client(headers={"accept": "text/html", **headers})
    client.force_login(person)
    return client


def rows_of(response: Any) -> list[list[str]]:
    """Return the rows of a file that was sent."""
    assert (response.status_code, response["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert "attachment" in response["Content-Disposition"]
    text = b"".join(response.streaming_content).decode()
    assert text[0] == "\ufeff"
    return list(csv.reader(io.StringIO(text[1:])))


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_names_that_others_gave_are_shown_and_written_as_they_gave_them(world: World, language: str) -> None:
    """A slot is its manifest's, a slice its file's: a reader looks both up there, in whatever language they read."""
    spec = manifest(name="r2")
    pins = [replace(pin, slot="system_prompt") if pin.slot == "prompt" else pin for pin in spec.pins]
    release = register_release(world.system, replace(spec, pins=pins))
    post(world, eval_file(slices=[{"loan_kind": "wrong_fact"}]))
    client = signed_in(world.people["auditor"], accept_language=language)
    pinned, scored = "/admin/evidence/releasepin/", "/admin/evidence/evalscore/"
    slots = [row[0] for row in rows_of(client.get(pinned, {"export": "csv"}))[1:]]
    assert sorted(slots) == [
        "index",
        "index",
        "model",
        "model",
        "policy",
        "policy",
        "prompt",
        "system_prompt",
    ]
    assert ">system_prompt<" in client.get(pinned).content.decode()
    assert ">system_prompt<" in client.get(f"/admin/dossier/{release.pk}/").content.decode()
    assert "loan_kind=wrong_fact" in client.get(scored).content.decode()
    assert any("loan_kind=wrong_fact" in row for row in rows_of(client.get(scored, {"export": "csv"})))


def test_every_list_that_a_person_opens_is_written_as_it_stands(world: World) -> None:
    """As many rows and columns as it has; who may not open it is not given it."""
    make_task(world)
    store_what_other_parts_store(world)
    written = 0
    for role in ("auditor", "operator", "researcher"):
        client = signed_in(world.people[role])
        for model in admin.site._registry:
            path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
            page, file = client.get(path), client.get(path, {"export": "csv"})
            assert page.status_code == file.status_code, path
            if page.status_code == 200:
                rows, shown = rows_of(file), page.context["cl"]
                assert not re.search(r"<a [^>]*><a ", page.content.decode()), (
                    f"{path} has a link within a link"
                )
                assert len(rows) == shown.result_count + 1, path
                assert {len(row) for row in rows} == {
                    len([c for c in shown.list_display if c != "action_checkbox"])
                }
                assert not [one for row in rows for one in row if "<" in one and ">" in one], path
                written += len(rows) > 1
    assert written > 60


def test_a_file_is_narrowed_as_its_list_is(world: World) -> None:
    other = make_world("aml-copilot")
    mine, theirs = make_task(world).trace, make_task(other).trace
    client = signed_in(world.people["auditor"])
    heading, *rows = rows_of(client.get("/admin/evidence/trace/?export=csv"))
    assert heading[-1] == "Sealed at (UTC)"
    assert [row[0][:12] for row in rows] == [mine.trace_id.hex[:12]]
    assert theirs.trace_id.hex[:12] != mine.trace_id.hex[:12]
    datetime.strptime(rows[0][-1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    assert rows_of(client.get("/admin/evidence/trace/?risk_tier__exact=low&export=csv"))[1:] == []
    assert (
        client.get(f"/admin/evidence/trace/?system__id__exact={other.system.pk}&export=csv").status_code
        == 400
    )
    page = client.get("/admin/evidence/trace/?status__exact=complete&p=1").content.decode()
    assert 'href="?export=csv&amp;status__exact=complete"' in page


def test_of_criteria_the_version_and_the_system_have_a_cell_each(world: World) -> None:
    make_criterion(world, key="R1")
    (heads, first) = rows_of(
        signed_in(world.people["auditor"]).get("/admin/requirements/acceptancecriterion/?export=csv")
    )
    told = dict(zip(heads, first, strict=True))
    assert (told["Requirement version"], told["System"]) == ("R1 v1", world.system.key)


@pytest.mark.parametrize(
    "asked", ["export=xls", "export=", "export=csv&export=csv", "export=csv&statsu=ok", "export=csv&o=99"]
)
def test_what_cannot_be_written_is_refused_and_no_other_list_given(world: World, asked: str) -> None:
    assert signed_in(world.people["auditor"]).get(f"/admin/evidence/trace/?{asked}").status_code == 422


def test_a_list_that_is_too_long_says_so_before_a_line_is_sent(world: World, settings: Any) -> None:
    settings.LIST_EXPORT_MAX_ROWS = 1
    make_task(world)
    client = signed_in(world.people["auditor"])
    assert len(rows_of(client.get("/admin/evidence/trace/?export=csv"))) == 2
    make_task(world)
    refused = client.get("/admin/evidence/trace/?export=csv")
    assert refused.status_code == 422
    assert "more than 1 rows" in refused.content.decode()


def test_a_list_is_read_in_portions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_export, "_PORTION", 2)
    made = [make_task(world).trace for _ in range(5)]
    response = signed_in(world.people["auditor"]).get("/admin/evidence/trace/?export=csv&o=0")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        rows = rows_of(response)[1:]
    assert [row[0][:12] for row in rows] == [trace.trace_id.hex[:12] for trace in made]
    assert len(asked) == 3


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"],  # as they are typed
)
def test_no_text_is_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("number", [-1, -0.5, Decimal("-2.50"), 7])
def test_a_number_stays_one(number: Any) -> None:
    assert float(cell(as_cell(number))) == number


@pytest.mark.parametrize(
    ("shown", "written"),
    [
        (badge("pass"), "pass"), (short_digest("a" * 64), "a" * 64), ("–", ""), (True, "Yes"),
        (format_html('<a href="/x/">{}</a>', "a < b & c"), "a < b & c"),
        (mark_safe('<time datetime="2026-11-29T03:00:00Z">3 hours ago</time>'), "2026-11-29 03:00:00"),
        ("a\u202eb", "a⟦U+202E⟧b"), (datetime(2026, 11, 29, 3, tzinfo=UTC), "2026-11-29 03:00:00"),
    ],
)  # fmt: skip
def test_a_cell_is_what_a_reader_sees(shown: Any, written: str) -> None:
    assert as_cell(shown) == written


def test_a_file_is_in_its_readers_language(world: World) -> None:
    make_task(world)
    client = signed_in(world.people["auditor"], **{"accept-language": "zh-hans"})
    heading, row = rows_of(client.get("/admin/evidence/trace/?export=csv"))
    assert row[5] == "完整"
    assert heading


@pytest.mark.parametrize(
    ("html", "said"),
    [
        ("a v1<br>credit-assistant", "a v1 credit-assistant"),
        ("<ul><li>one</li><li>two</li></ul>", "one two"),
        ('<span aria-hidden="true">✗<br></span> not met<br>for r1', "not met for r1"),
    ],
)
def test_what_stands_on_two_lines_of_a_cell_is_two_words_of_the_file(html: str, said: str) -> None:
    assert words_of(html) == said
