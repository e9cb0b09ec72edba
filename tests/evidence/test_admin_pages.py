"""Lists over large tables, filters that would tell too much, and the internals that are not there."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config.admin import SECTIONS, TracebinderAdminSite
from evidence.admin.frame import paginator
from evidence.models import Artefact, Span
from evidence.selectors.planned import planned_rows
from evidence.services import registry
from evidence.services.ingest.partitions import ensure_partitions
from tests.e2e.cases import make_trace
from tests.evidence.semconv_spans import make_span
from tests.evidence.stored_spans import store_spans
from tests.factories import ACTOR, World, make_world


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_no_page_draws_up_the_list_of_all_nouns_but_the_one_that_shows_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def draw_up(_: object, request: HttpRequest, label: str | None = None) -> dict[str, object]:
        del label
        asked.append(request.path)
        return {}

    monkeypatch.setattr(TracebinderAdminSite, "_build_app_dict", draw_up)
    client = signed_in(world.people["auditor"])
    for page in ("admin:evidence_trace_changelist", "admin:password_change", "admin:records"):
        assert client.get(reverse(page)).status_code == 200
    assert asked == [reverse("admin:records")]


def test_a_list_never_counts_a_whole_table(world: World) -> None:
    make_trace(world)
    client = signed_in(world.people["auditor"])
    for noun in ("span", "trace", "citation", "auditevent"):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(reverse(f"admin:evidence_{noun}_changelist")).status_code == 200
        counting = [
            each["sql"]
            for each in queries
            if "COUNT(" in each["sql"] and not each["sql"].startswith("EXPLAIN")
        ]
        assert counting, f"{noun}: the list no longer asks for a count: does it still page?"
        assert all(f"LIMIT {paginator.MAX_ROWS}" in sql for sql in counting), noun


def test_a_list_ends_where_the_planner_expects_more_than_pages_can_reach(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paginator, "planned_rows", lambda rows: 5_000_000)
    response = signed_in(world.people["auditor"]).get(reverse("admin:evidence_span_changelist"))
    assert response.context["cl"].result_count == paginator.MAX_ROWS
    assert "The first 10000 spans in this order. Narrow the list" in response.content.decode().replace(
        ",", ""
    )


def test_the_planner_is_asked_over_all_partitions(world: World) -> None:
    ensure_partitions(today=date(2027, 1, 15), months_ahead=0)
    a_month_before = -31 * 86_400_000  # milliseconds
    for start in (0, a_month_before):
        spans = [make_span(f"{number:016x}", start=start) for number in range(1, 101)]
        store_spans(world.system, uuid4(), spans)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT tableoid) FROM evidence_span")
        assert cursor.fetchone() == (2,)
        cursor.execute("RESET ROLE; ANALYZE evidence_span")  # only its owner may
        cursor.execute(f'SET ROLE "{settings.RUNTIME_ROLE}"')
    planned = planned_rows(Span.objects.filter(system=world.system))
    assert 200 <= planned < 250  # the planner expects a row in each empty partition, too


def test_the_filters_sidebar_offers_no_system_of_others(world: World) -> None:
    make_world("aml-copilot")
    page = (
        signed_in(world.people["auditor"]).get(reverse("admin:evidence_release_changelist")).content.decode()
    )
    assert "aml-copilot" not in page


@pytest.mark.parametrize("role", ["reviewer", "auditor", "approver", "author", "operator"])
def test_internals_are_nowhere_without_the_permission(world: World, role: str) -> None:
    registry.ensure_version(
        system=world.system, kind="probe", key="induction", label="1", digest="1" * 64, actor=ACTOR
    )
    client = signed_in(world.people[role])
    index = client.get(reverse("admin:index")).content.decode()
    assert "/admin/interpret/" not in index
    assert client.get("/admin/interpret/").status_code == 404
    for noun in ("probespec", "proberun", "finding"):
        assert client.get(reverse(f"admin:interpret_{noun}_changelist")).status_code == 403
    if role != "operator":
        for noun in ("artefact", "artefactversion"):
            response = client.get(reverse(f"admin:evidence_{noun}_changelist"))
            assert "induction" not in response.content.decode()
        hidden = Artefact.objects.get(kind="probe")
        assert client.get(reverse("admin:evidence_artefact_change", args=[hidden.pk])).status_code == 404


def test_a_permission_given_to_one_person_alone_is_not_enough_without_the_app_one(world: World) -> None:
    from django.contrib.auth.models import Permission

    reviewer = world.people["reviewer"]
    reviewer.user_permissions.add(Permission.objects.get(codename="view_finding"))
    assert signed_in(reviewer).get(reverse("admin:interpret_finding_changelist")).status_code == 403


def test_each_noun_stands_in_a_section_of_the_front_page() -> None:
    placed = {name for names in SECTIONS.values() for name in names}
    registered = {model.__name__ for model in admin.site._registry}
    assert registered == placed
