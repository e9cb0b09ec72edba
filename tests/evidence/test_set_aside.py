"""What was set aside is put back when asked, and until it is sealed it counts as missing."""

from __future__ import annotations

import io
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from evidence import clock
from evidence.models import AuditEvent, PendingTrace, Reject, Trace
from evidence.selectors.set_aside import still_set_aside
from evidence.services.assembly import assemble_due_traces
from evidence.services.disposal.erasure import erase_trace_payload
from evidence.vocabulary import ANY_RELEASE
from tests.evidence.stored_spans import store_spans
from tests.evidence.test_assembly import spans_of
from tests.factories import World, acting

pytestmark = pytest.mark.django_db


def assemble(*arguments: str, **options: Any) -> str:
    out = io.StringIO()
    call_command("assemble", *arguments, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def large(world: World, settings: Settings) -> UUID:
    """The id of a trace that was set aside because it was too large, under a limit that is raised now."""
    trace_id, allowed = uuid4(), settings.TRACE_MAX_SPANS
    store_spans(world.system, trace_id, spans_of(world))
    settings.TRACE_MAX_SPANS = 1
    assemble_due_traces(limit=10)
    settings.TRACE_MAX_SPANS = allowed
    assert Reject.objects.get().code == "trace_too_large"
    return trace_id


def n_missing() -> int:
    return still_set_aside(clock.read_moment()).count()


def test_once_a_limit_is_raised_it_is_put_back_and_sealed(large: UUID) -> None:
    assert n_missing() == 1
    said = assemble("--set-aside")
    assert f"{large.hex} put back: trace_too_large\n1 traces were put back." in said
    assert Trace.objects.get().trace_id == large
    assert AuditEvent.objects.filter(verb="trace.put_back").count() == 1
    assert (n_missing(), Reject.objects.count()) == (0, 1)  # the ledger keeps what happened
    assert "\n0 traces" in "\n" + assemble("--set-aside")


def test_one_that_is_too_large_still_is_set_aside_again_and_counts_once(
    large: UUID, settings: Settings
) -> None:
    settings.TRACE_MAX_SPANS = 1
    assemble("--set-aside")
    assert (Reject.objects.count(), n_missing(), PendingTrace.objects.count()) == (2, 1, 0)


def test_only_the_trace_or_the_system_that_is_named(world: World, large: UUID) -> None:
    assert "0 traces were put back" in assemble("--set-aside", "--trace", uuid4().hex)
    assert "1 traces were put back" in assemble(
        "--set-aside", "--trace", str(large), "--system", world.system.key
    )
    with pytest.raises(CommandError, match="did you mean"):
        assemble("--set-aside", "--system", "credit-asistant")
    with pytest.raises(CommandError, match="give that, too"):
        assemble("--trace", large.hex)


def test_a_trace_whose_words_were_erased_stays_where_it_is(world: World, large: UUID) -> None:
    erase_trace_payload(system=world.system, trace_id=large, reason="request 1", principal=acting())
    assert "0 traces were put back" in assemble("--set-aside")
    assert not Trace.objects.exists()


def test_what_was_on_record_before_it_was_sealed_stays_missing_then(large: UUID) -> None:
    before = clock.read_moment()
    assemble("--set-aside")
    assert still_set_aside(before).count() == 1
    assert n_missing() == 0


@pytest.mark.parametrize(
    ("changed", "release"),
    [({}, "r1"), ({"tracebinder.release": None}, ANY_RELEASE), ({"tracebinder.release": 7}, ANY_RELEASE)],
)
def test_it_is_on_record_which_release_it_belonged_to(
    world: World, settings: Settings, changed: dict[str, Any], release: str
) -> None:
    settings.TRACE_MAX_SPANS = 1
    store_spans(world.system, uuid4(), spans_of(world, **changed))
    assemble_due_traces(limit=10)
    assert Reject.objects.get().source_ref == release


@pytest.mark.parametrize(
    ("root", "resource", "library", "release"),
    [
        pytest.param(None, "r2", {}, "r2", id="of the process, as is usual"),
        pytest.param(None, "r2", {"tracebinder.release": "r1"}, ANY_RELEASE, id="a library says another"),
        pytest.param("r2", "r2", {"tracebinder.release": " r2 "}, "r2", id="all say the same"),
        pytest.param("r2", "r2", {"tracebinder.release": ""}, "r2", id="an empty name is none"),
        pytest.param("r2", "r2", {"tracebinder.release": 7}, ANY_RELEASE, id="no text"),
        pytest.param("r2", "r1", {}, ANY_RELEASE, id="agent and process disagree"),
        pytest.param("r" * 150, "r" * 150, {}, "r" * 100, id="cut as the mapping cuts it"),
    ],
)
def test_whatever_names_a_release_is_asked_and_where_they_differ_it_counts_against_each(
    world: World, settings: Settings, root: str | None, resource: str, library: dict[str, Any], release: str
) -> None:
    settings.TRACE_MAX_SPANS = 1
    spans = spans_of(world, **{"tracebinder.release": root})
    spans[0]["resource"] = {"tracebinder.release": resource}
    spans[1]["attributes"] |= library
    store_spans(world.system, uuid4(), spans)
    assemble_due_traces(limit=10)
    assert Reject.objects.get().source_ref == release


def test_an_event_that_speaks_for_its_span_is_asked_too(world: World, settings: Settings) -> None:
    settings.TRACE_MAX_SPANS = 1
    spans = spans_of(world)
    spans[1]["events"] = [
        {
            "name": "gen_ai.client.inference.operation.details",
            "attributes": {"tracebinder.release": "r2"},
        }
    ]
    store_spans(world.system, uuid4(), spans)
    assemble_due_traces(limit=10)
    assert Reject.objects.get().source_ref == ANY_RELEASE


def test_without_options_it_assembles_what_is_due(world: World) -> None:
    store_spans(world.system, uuid4(), spans_of(world))
    assemble()
    assert Trace.objects.count() == 1
