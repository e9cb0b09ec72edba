"""A trace that is too large, too costly, or ends its worker is set aside alone, and the rest goes on."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError
from pytest_django.fixtures import Settings

from evidence import clock
from evidence.models import AuditEvent, Citation, Claim, PendingTrace, Reject, Span, Trace
from evidence.semconv.mapping import map_trace
from evidence.services.assembly import assemble_due_traces, sealing
from evidence.time_budget import TimeBudget
from tests.evidence.stored_spans import store_spans
from tests.evidence.test_assembly import ANSWER, spans_of
from tests.factories import World

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """What a worker that is killed leaves behind: its transaction is undone, and nobody says why."""


def words(n: int, seed: int) -> str:
    """Return that many words of five letters that stand in no document."""
    chance = random.Random(seed)
    return " ".join("".join(chance.choices("bcdfghjklmnp", k=5)) for _ in range(n))


def exploding(world: World, citations: int) -> list[dict[str, Any]]:
    """Return a trace that cites long passages which stand nowhere, each another one."""
    cited = [
        {"index": "credit-assistant-docs", "document": "DOC-1", "quote": words(50, seed)}
        for seed in range(citations)
    ]
    claim = {"text": ANSWER, "material": True, "citations": cited}
    return spans_of(world, **{"tracebinder.claims": json.dumps([claim])})


def store_two(world: World, bad: list[dict[str, Any]]) -> tuple[UUID, UUID]:
    """Store a bad trace and a good one, and return their ids."""
    ids = uuid4(), uuid4()
    store_spans(world.system, ids[0], bad)
    store_spans(world.system, ids[1], spans_of(world))
    return ids


def on_poison(monkeypatch: pytest.MonkeyPatch, problem: Callable[[], BaseException]) -> list[int]:
    """Have the reading of poisoned traces end so; return the list of the times that it was tried."""
    tried: list[int] = []

    def read(spans: list[dict[str, Any]], *told: Any) -> Any:
        if any(span["attributes"].get("tracebinder.question") == "poison" for span in spans):
            tried.append(1)
            raise problem()
        return map_trace(spans, *told)

    monkeypatch.setattr(sealing, "map_trace", read)
    return tried


def poison(world: World) -> list[dict[str, Any]]:
    return spans_of(world, **{"tracebinder.question": "poison"})


def set_aside() -> tuple[str, str]:
    """Return code and trace id of the one trace that was set aside, which has left nothing but its spans."""
    reject = Reject.objects.get()
    assert AuditEvent.objects.filter(verb="trace.set_aside").count() == 1
    assert Span.objects.filter(trace_id=reject.trace_id).exists()
    assert not Trace.objects.filter(trace_id=reject.trace_id).exists()
    assert not PendingTrace.objects.filter(trace_id=reject.trace_id).exists()
    return reject.code, reject.trace_id


def test_a_trace_whose_checks_explode_is_set_aside_alone(world: World, settings: Settings) -> None:
    settings.TRACE_CHECK_BUDGET = 0.05
    bad, good = store_two(world, exploding(world, citations=300))
    assert assemble_due_traces(limit=10) == 2
    assert set_aside() == ("trace_too_costly", bad.hex)
    assert "0.05 s allowed" in Reject.objects.get().detail
    assert Trace.objects.get().trace_id == good
    assert not Claim.objects.exclude(trace__trace_id=good).exists()


def test_within_the_budget_every_citation_gets_its_verdict(world: World) -> None:
    store_spans(world.system, uuid4(), exploding(world, citations=300))
    assemble_due_traces(limit=10)
    assert Citation.objects.filter(verdict="not_found").count() == 300


def test_what_it_costs_is_the_same_whatever_was_kept_from_before(world: World, settings: Settings) -> None:
    """Or a trace would be judged by what its worker did before it."""
    settings.TRACE_CHECK_BUDGET = 0.0001
    for _ in range(2):
        store_spans(world.system, uuid4(), spans_of(world))
        assemble_due_traces(limit=10)
        settings.TRACE_CHECK_BUDGET, cold = 10, settings.TRACE_CHECK_BUDGET
        store_spans(world.system, uuid4(), spans_of(world))
        assemble_due_traces(limit=10)
        settings.TRACE_CHECK_BUDGET = cold
    assert (Reject.objects.count(), Trace.objects.count()) == (2, 2)


def test_a_trace_over_the_size_is_set_aside_alone_and_is_not_read(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TRACE_MAX_BYTES = 100_000
    tried = on_poison(monkeypatch, AssertionError)
    large = spans_of(world, **{"tracebinder.question": "poison", "tracebinder.note": "x" * 100_000})
    bad, good = store_two(world, large)
    assert assemble_due_traces(limit=10) == 2
    assert set_aside() == ("trace_too_large", bad.hex)
    assert "100000 bytes" in Reject.objects.get().detail
    assert Trace.objects.get().trace_id == good
    assert tried == []


def test_a_trace_of_too_many_spans_is_set_aside_alone(world: World, settings: Settings) -> None:
    settings.TRACE_MAX_SPANS = 5
    spans = spans_of(world)
    bad, good = store_two(world, [*spans, {**spans[-1], "span_id": "00000000000000c9"}])
    assert assemble_due_traces(limit=10) == 2
    assert set_aside() == ("trace_too_large", bad.hex)
    assert Trace.objects.get().trace_id == good


ONE_CITATION = {"document": "DOC-1", "quote": "residents"}
PARTS: dict[str, dict[str, Any]] = {
    "claims": {"tracebinder.claims": json.dumps([{"text": f"claim {n}"} for n in range(9)])},
    "citations": {"tracebinder.claims": json.dumps([{"text": "c", "citations": [ONE_CITATION] * 9}])},
    "confidence_factors": {
        "tracebinder.confidence.factors": json.dumps(
            [{"factor": f"f{n}", "direction": "raises", "value": 1} for n in range(9)]
        )
    },
    "limitations": {"tracebinder.limitations": json.dumps([f"limit {n}" for n in range(9)])},
    "flags": {"tracebinder.limitations": json.dumps(list(range(9)))},
}


@pytest.mark.parametrize("part", PARTS)
def test_a_trace_that_says_too_much_is_set_aside_alone_and_its_reason_names_the_limit(
    world: World, settings: Settings, part: str
) -> None:
    setattr(settings, f"TRACE_MAX_{part.upper()}", 8)
    bad, good = store_two(world, spans_of(world, **PARTS[part]))
    assert assemble_due_traces(limit=10) == 2
    assert set_aside() == ("trace_too_large", bad.hex)
    named = f"TRACEBINDER_TRACE_MAX_{part.upper()} allows 8"
    assert named in Reject.objects.get().detail
    assert Trace.objects.get().trace_id == good


@pytest.mark.parametrize("part", ["retrievals", "policy_checks", "tool_calls", "versions"])
def test_no_part_of_a_trace_is_without_a_limit(world: World, settings: Settings, part: str) -> None:
    setattr(settings, f"TRACE_MAX_{part.upper()}", 0)
    store_spans(world.system, uuid4(), spans_of(world))
    assemble_due_traces(limit=10)
    assert f"TRACEBINDER_TRACE_MAX_{part.upper()} allows 0" in Reject.objects.get().detail


def test_claims_derived_from_an_answer_count_too(world: World, settings: Settings) -> None:
    settings.TRACE_MAX_CLAIMS = 8
    answer = " ".join(f"Rate number {n} is {n} percent." for n in range(9))
    store_spans(
        world.system, uuid4(), spans_of(world, **{"tracebinder.claims": "[]", "tracebinder.answer": answer})
    )
    assemble_due_traces(limit=10)
    assert "it has 9 claims" in Reject.objects.get().detail


def test_small_traces_that_are_large_together_are_taken_a_few_at_a_time(
    world: World, settings: Settings
) -> None:
    for _ in range(3):
        store_spans(world.system, uuid4(), spans_of(world, **{"tracebinder.note": "x" * 40_000}))
    settings.TRACE_MAX_BYTES = 100_000
    assemble_due_traces(limit=10)
    assert Trace.objects.count() == 2
    assert PendingTrace.objects.get().attempts == 0  # it was not tried
    assemble_due_traces(limit=10)
    assert (Trace.objects.count(), Reject.objects.count()) == (3, 0)


def test_a_trace_that_kills_its_worker_is_tried_three_times_and_holds_up_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    tried = on_poison(monkeypatch, Killed)
    bad, good = store_two(world, poison(world))
    for _ in range(3):
        with pytest.raises(Killed):
            assemble_due_traces(limit=10)
    assert Trace.objects.get().trace_id == good
    assert assemble_due_traces(limit=10) == 0  # the last worker may be alive
    assert not Reject.objects.exists()
    ended = clock.now() + timedelta(seconds=settings.ASSEMBLY_HARD_LIMIT + 1)
    assert assemble_due_traces(limit=10, now=ended) == 1
    assert set_aside() == ("worker_lost", bad.hex)
    assert len(tried) == 3
    assert assemble_due_traces(limit=10, now=ended) == 0


def test_new_traces_go_before_one_that_killed_a_worker(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    on_poison(monkeypatch, Killed)
    store_spans(world.system, uuid4(), poison(world))
    with pytest.raises(Killed):
        assemble_due_traces(limit=10)
    store_spans(world.system, uuid4(), spans_of(world))
    with pytest.raises(Killed):
        assemble_due_traces(limit=10)
    assert Trace.objects.count() == 1


def test_a_database_that_goes_away_is_nothing_against_the_trace(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_poison(monkeypatch, OperationalError)
    store_spans(world.system, uuid4(), poison(world))
    for _ in range(5):
        with pytest.raises(OperationalError):
            assemble_due_traces(limit=10)
    assert PendingTrace.objects.get().attempts == 0
    assert not Reject.objects.exists()


def test_a_trace_that_takes_longer_than_the_soft_limit_is_set_aside(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = on_poison(monkeypatch, SoftTimeLimitExceeded)
    bad, good = store_two(world, poison(world))
    for _ in range(2):
        assemble_due_traces(limit=10, budget=TimeBudget.of(0))  # the limit is far behind the budget
        assemble_due_traces(limit=10, budget=TimeBudget.of(0))
    assert set_aside() == ("trace_too_slow", bad.hex)
    assert Trace.objects.get().trace_id == good
    assert len(tried) == 2  # with others, then alone


def test_traces_that_the_time_was_too_short_for_were_not_tried(world: World) -> None:
    for _ in range(3):
        store_spans(world.system, uuid4(), spans_of(world))
    assemble_due_traces(limit=10, budget=TimeBudget.of(0))
    assert [row.attempts for row in PendingTrace.objects.all()] == [0, 0]


def test_a_span_that_comes_meanwhile_finds_a_trace_without_attempts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans, trace_id = spans_of(world), uuid4()
    store_spans(world.system, trace_id, spans[:-1])

    def read_while_a_span_arrives(rows: list[dict[str, Any]], *told: Any) -> Any:
        store_spans(world.system, trace_id, spans[-1:])
        return map_trace(rows, *told)

    monkeypatch.setattr(sealing, "map_trace", read_while_a_span_arrives)
    assemble_due_traces(limit=10)
    assert (PendingTrace.objects.get().generation, PendingTrace.objects.get().attempts) == (2, 0)
