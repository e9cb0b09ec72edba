"""What nothing reads is listed for operators: which library, how many traces, and nothing that was said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from evidence import clock
from evidence.models import Trace
from evidence.roles import OPERATOR
from evidence.selectors import unread_libraries
from evidence.selectors.unread_libraries import UnreadLibrary, find_unread_libraries
from evidence.services.assembly import assemble_due_traces
from tests.evidence.semconv_spans import make_span
from tests.evidence.stored_spans import store_spans
from tests.factories import World, make_person, make_world

pytestmark = pytest.mark.django_db

SECRET = "Mr Aldous owes 77 EUR"
TITLE = "Libraries not read in the last seven days"


def gateway_span(scope: str, **columns: Any) -> dict[str, Any]:
    """The root of a trace whose content stands where nothing looks."""
    return make_span(
        "00000000000000a1", parent="", name="gateway", attributes={"llm.output": SECRET},
        scope={"name": scope}, **columns,
    )  # fmt: skip


def seal(world: World, number: int, span: dict[str, Any]) -> Trace:
    store_spans(world.system, UUID(int=number), [span])
    assert assemble_due_traces(limit=10) == 1
    return Trace.objects.get(trace_id=UUID(int=number))


def found() -> list[UnreadLibrary]:
    return list(find_unread_libraries(clock.now() - timedelta(days=7)).libraries)


def test_traces_are_counted_by_the_scope_that_nothing_reads(world: World) -> None:
    for number, scope in enumerate(("acme.gateway", "acme.gateway", "acme.router"), start=1):
        assert "not_recognised" in {flag["code"] for flag in seal(world, number, gateway_span(scope)).flags}
    seal(make_world("another"), 4, gateway_span("acme.router"))
    assert found() == [UnreadLibrary("acme.gateway", 2), UnreadLibrary("acme.router", 2)]
    assert find_unread_libraries(clock.now() + timedelta(seconds=1)).libraries == ()


def test_what_names_no_library_is_counted_without_its_span(world: World) -> None:
    seal(world, 1, gateway_span("") | {"name": SECRET})
    assert found() == [UnreadLibrary("", 1)]


def test_more_traces_than_are_looked_at_are_said_to_be_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread_libraries, "MOST_TRACES", 1)
    since = clock.now() - timedelta(days=7)
    seal(world, 1, gateway_span("acme.gateway"))
    assert not find_unread_libraries(since).is_partial
    seal(world, 2, gateway_span("acme.router"))
    told = find_unread_libraries(since)
    assert told.is_partial
    assert told.libraries == (UnreadLibrary("acme.router", 1),)


def test_an_operator_reads_them_on_the_front_page_and_nobody_else(world: World) -> None:
    seal(world, 1, gateway_span("acme.gateway"))
    operator, reviewer = Client(), Client()
    operator.force_login(make_person("operator-1", OPERATOR))
    reviewer.force_login(world.people["reviewer"])
    page = operator.get("/admin/").content.decode()
    assert TITLE in page
    assert "acme.gateway</th><td>1</td>" in page
    assert SECRET not in page
    assert TITLE not in reviewer.get("/admin/").content.decode()


def test_an_operator_of_a_store_that_reads_all_is_told_nothing(world: World) -> None:
    operator = Client()
    operator.force_login(make_person("operator-1", OPERATOR))
    assert TITLE not in operator.get("/admin/").content.decode()
