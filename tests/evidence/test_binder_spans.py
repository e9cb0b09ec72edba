"""A binder's traces are what its spans say, and whoever acted in it is named: no producer is taken at its word."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from evidence import clock
from evidence.access import principal_of_token
from evidence.models import AccessToken, Binder, PendingTrace, Scope, Span, Trace
from evidence.otlp.span_digest import DIGESTED_COLUMNS, digest_row
from evidence.services import assembly, binders, ingest, reviews
from evidence.services.binders import BinderOvertaken
from evidence.services.disposal.erasure import erase_trace_payload
from evidence.services.disposal.retention import apply_retention
from tests.client.binders import unpack
from tests.evidence.binder_world import Filled, archive_of, export, verify
from tests.evidence.forged import Lines, verify_forged
from tests.evidence.kept_binders import Export, KeptBinder
from tests.evidence.otlp_bodies import PROTOBUF, make_request, make_span
from tests.evidence.stored_spans import store_spans
from tests.factories import World, acting, make_world
from tests.kept_scenes import kept_scene
from tests.requirements.builders import make_criterion

TRACES, SPANS, REVIEWS = "traces/traces.jsonl", "traces/spans.jsonl", "reviews/reviews.jsonl"
ANSWER = "7.9% – 年利率"

pytestmark = pytest.mark.django_db  # without it, no database is made for the kept binder


@pytest.fixture(scope="module")
def honest(keep_binder: Callable[[Export], KeptBinder]) -> KeptBinder:
    """The binder of `filled`."""
    return keep_binder(lambda world: export(fill(world), as_of=None))


@pytest.fixture
@kept_scene
def filled(world: World) -> Filled:
    """Two traces, sent as a sender does, of which one was reviewed."""
    return fill(world)


def fill(world: World) -> Filled:
    world.token(Scope.INGEST)
    first = send_trace()
    send_trace()
    assemble()
    trace = Trace.objects.get(trace_id=first)
    reviews.record_review(
        trace=trace, principal=world.principal("reviewer"), decision="approve", rationale="it is right"
    )
    return Filled(world, trace, timezone.now())


def send_trace(
    trace_id: uuid.UUID | None = None, *, n: int = 3, first: int = 1, began: datetime | None = None
) -> uuid.UUID:
    """Send a root and what is below it, one millisecond apart."""
    trace_id = trace_id or uuid.uuid4()
    start = int((began or timezone.now() - timedelta(hours=1)).timestamp()) * 10**9
    spans = [
        make_span(
            trace_id=trace_id.bytes,
            span_id=number.to_bytes(8, "big"),
            parent_span_id=b"" if number == 1 else (1).to_bytes(8, "big"),
            start_time_unix_nano=start + number * 10**6,
            end_time_unix_nano=start + number * 10**6 + 1,
            attributes={
                "gen_ai.operation.name": "invoke_agent", "tracebinder.release": "r1", "tracebinder.answer": ANSWER,
                "tracebinder.risk_tier": "high",
            },
        )
        for number in range(first, first + n)
    ]  # fmt: skip
    spans[0].attributes.add(key="load").value.double_value = 1e-7
    ingest.ingest_traces(
        body=make_request(*spans).SerializeToString(),
        content_type=PROTOBUF,
        content_encoding="",
        principal=principal_of_token(AccessToken.objects.latest("pk")),
    )
    return trace_id


def assemble() -> None:
    PendingTrace.objects.update(last_received_at=timezone.now() - timedelta(minutes=1))
    assembly.assemble_due_traces(limit=10)


def lines_of(archive: bytes, path: str) -> Lines:
    return [json.loads(line) for line in unpack(archive)[f"data/{path}"].splitlines()]


def test_every_span_and_every_trace_is_digested_again(filled: Filled, tmp_path: Path) -> None:
    binder = export(filled, as_of=None)
    for report in (verify(tmp_path, archive_of(binder)), verify_forged(tmp_path, binder, {})):
        assert report.problems == []
        completeness = {line.name: line.detail for line in report.lines}["completeness"]
        assert "6 spans digested again;" in completeness
    traces, spans = (lines_of(archive_of(binder), path) for path in (TRACES, SPANS))
    assert [trace["traceId"] for trace in traces] == list(dict.fromkeys(span["traceId"] for span in spans))
    assert traces[0]["spanIds"] == [f"{number:016x}" for number in (1, 2, 3)]


def change_answer(rows: Lines) -> None:
    rows[0]["attributes"]["tracebinder.answer"] = "9.9%"


def change_answer_and_digest(rows: Lines) -> None:
    change_answer(rows)
    row = rows[0]
    columns = {
        "trace_id": uuid.UUID(row["traceId"]), "span_id": row["spanId"], "parent_span_id": row["parentSpanId"],
        "start_ns": int(row["startNs"]), "end_ns": int(row["endNs"]), "status_code": row["statusCode"],
        "status_message": row["statusMessage"],
        **{name: row[name] for name in ("name", "kind", "attributes", "events", "links", "resource", "scope")},
    }  # fmt: skip
    row["digest"] = digest_row(columns)


def blank(rows: Lines) -> None:
    """Leave what an erasure leaves, where there was none."""
    gone = {"tracebinder.erased": True}
    rows[0].update(
        name="[erased]", statusMessage="", attributes=gone, events=[], links=[], resource=gone, scope=gone
    )


def leave_out(rows: Lines) -> None:
    del rows[1]


def put_in_again(rows: Lines) -> None:
    rows.insert(1, dict(rows[0]))


def turn_round(rows: Lines) -> None:
    rows.reverse()


def add_foreign(rows: Lines) -> None:
    rows.append({**rows[-1], "traceId": "f" * 32})


def name_none(rows: Lines) -> None:
    del rows[0]["spanIds"]


def name_others(rows: Lines) -> None:
    rows[0]["spanIds"][0] = "f" * 16


def change_digest(rows: Lines) -> None:
    rows[0]["digest"] = "0" * 64


def tell_no_exchanges(rows: Lines) -> None:
    del rows[0]["exchanges"]


def tell_an_exchange_twice(rows: Lines) -> None:
    rows[0]["exchanges"] *= 2


def show_another_answer(rows: Lines) -> None:
    rows[0]["answer"] = "Nobody gave this one."


def claim_of_no_exchange(rows: Lines) -> None:
    made_up = {"ordinal": 9, "exchange": 7, "text": "x", "start": 0, "end": 1, "material": False}
    rows[0]["claims"].append({**made_up, "origin": "derived", "citations": []})


@pytest.mark.parametrize(
    ("path", "edit", "member", "why"),
    [
        (SPANS, change_answer, SPANS, "span 0000000000000001 is not what was digested"),
        (SPANS, change_answer_and_digest, TRACES, "is not what its spans digest to"),
        (SPANS, blank, SPANS, "is not what was digested"),
        (SPANS, leave_out, SPANS, "lacks span 0000000000000002"),
        (SPANS, put_in_again, SPANS, "was not sealed from"),
        (SPANS, turn_round, SPANS, "lacks span"),
        (SPANS, add_foreign, SPANS, "are of no trace here"),
        (TRACES, name_none, TRACES, "does not say which spans"),
        (TRACES, name_others, SPANS, "was not sealed from"),
        (TRACES, change_digest, TRACES, "is not what its spans digest to"),
        (TRACES, tell_no_exchanges, TRACES, "does not tell its exchanges"),
        (TRACES, tell_an_exchange_twice, TRACES, "are not in order"),
        (TRACES, show_another_answer, TRACES, "are not those of its last exchange"),
        (TRACES, claim_of_no_exchange, TRACES, "is of no exchange that it has"),
    ],
)
def test_a_dishonest_producer_is_found_out_by_its_traces_and_spans(
    honest: KeptBinder, tmp_path: Path, path: str, edit: Callable[[Lines], None], member: str, why: str
) -> None:
    report = verify_forged(tmp_path, honest, {path: edit})
    assert report.exit_code == 1
    assert [(problem.member, why in problem.detail) for problem in report.problems] == [
        (f"data/{member}", True)
    ]


def stranger(rows: Lines) -> None:
    rows[0]["reviewer"] = f"person:{'z' * 20}"


def nobody(rows: Lines) -> None:
    rows[0] = {"people": [], "tokens": []}


@pytest.mark.parametrize(
    ("path", "edit", "member"),
    [(REVIEWS, stranger, f"data/{REVIEWS}"), ("people.json", nobody, "data/audit/entries.jsonl")],
)
def test_whoever_acted_and_is_not_named_is_found_out(
    honest: KeptBinder, tmp_path: Path, path: str, edit: Callable[[Lines], None], member: str
) -> None:
    report = verify_forged(tmp_path, honest, {path: edit})
    (problem,) = report.problems
    assert (report.exit_code, problem.member) == (1, member)
    assert "is not in people.json" in problem.detail


@pytest.mark.parametrize("left_out", ["people.json", SPANS])
def test_what_belongs_to_every_binder_cannot_be_left_out(
    honest: KeptBinder, tmp_path: Path, left_out: str
) -> None:
    report = verify_forged(tmp_path, honest, {}, without=left_out)
    assert [problem.member for problem in report.problems] == [f"data/{left_out}"]


def test_the_owner_of_a_requirement_has_not_acted(filled: Filled, tmp_path: Path) -> None:
    make_criterion(filled.world, owner=f"person:{'z' * 20}")
    report = verify(tmp_path, archive_of(export(Filled(filled.world, filled.trace, timezone.now()))))
    assert report.problems == []


def test_an_erasure_between_statement_and_reading_is_overtaken(filled: Filled) -> None:
    with (
        mock.patch.object(binders, "is_redacted", side_effect=[False, True]),
        pytest.raises(BinderOvertaken, match="ask again"),
    ):
        export(filled, as_of=None)


def test_a_token_acts_for_somebody_who_is_named(honest: KeptBinder, tmp_path: Path) -> None:
    def add_token(rows: Lines) -> None:
        rows[0]["tokens"] = [{"actor": "token:0123456789ab", "actsFor": f"person:{'z' * 20}"}]

    report = verify_forged(tmp_path, honest, {"people.json": add_token})
    assert ["acts for somebody" in problem.detail for problem in report.problems] == [True]


def test_an_erased_trace_is_said_to_be_and_verifies(filled: Filled, tmp_path: Path) -> None:
    erase_trace_payload(
        system=filled.world.system, trace_id=filled.trace.trace_id, reason="request 1", principal=acting()
    )
    binder = export(filled, as_of=None)
    report = verify(tmp_path, archive_of(binder))
    assert report.problems == []
    assert "3 spans digested again, 3 erased" in {x.name: x.detail for x in report.lines}["completeness"]
    (listed,) = json.loads(unpack(archive_of(binder))["data/redactions.json"])["redactions"]
    assert (listed["reasonCode"], listed["pointer"]) == ("erasure", filled.trace.trace_id.hex)
    assert report.statement["redacted"] is True


def test_a_span_that_came_after_the_trace_was_sealed_is_in_no_binder_of_that_revision(
    filled: Filled, tmp_path: Path
) -> None:
    send_trace(filled.trace.trace_id, first=8, n=1)  # nobody has made a revision of it yet
    binder = export(filled, as_of=None)
    assert len(lines_of(archive_of(binder), SPANS)) == 6
    assert verify(tmp_path, archive_of(binder)).problems == []
    assemble()
    assert len(lines_of(archive_of(export(filled, as_of=None)), SPANS)) == 7


@pytest.mark.parametrize("shift", [-500, 500], ids=["starts earlier", "starts later"])
def test_an_id_that_was_stored_twice_stands_once(filled: Filled, tmp_path: Path, shift: int) -> None:
    """Ingest refuses that now; rows from before may be there."""
    first = Span.objects.get(trace_id=filled.trace.trace_id, span_id=f"{2:016x}")
    again = Span(**{field.attname: getattr(first, field.attname) for field in Span._meta.concrete_fields})
    again.pk, again.start_ns, again.received_at = None, first.start_ns + shift, timezone.now()
    again.started_at = first.started_at + timedelta(milliseconds=shift)
    again.digest = digest_row({name: getattr(again, name) for name in DIGESTED_COLUMNS})
    Span.objects.bulk_create([again])
    binder = export(filled, as_of=None)
    assert len(lines_of(archive_of(binder), SPANS)) == 6
    assert verify(tmp_path, archive_of(binder)).problems == []


@pytest.mark.django_db(transaction=True)
def test_a_trace_has_the_spans_it_was_sealed_from_whatever_was_being_received(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the moment of a sealing and its reading of spans one more comes; `as_of` lies between as well."""
    world = make_world()
    world.token(Scope.INGEST)
    trace_id = send_trace()
    read = clock.read_moment

    def read_and_receive(**given: Any) -> clock.AsOf:
        known = read(**given)
        send_trace(trace_id, first=8, n=1)
        PendingTrace.objects.update(last_received_at=timezone.now() - timedelta(minutes=1))
        return known

    with monkeypatch.context() as during:
        during.setattr(clock, "read_moment", read_and_receive)
        assemble()
    trace = Trace.objects.get()
    assert trace.span_count == 4
    late = Span.objects.get(span_id=f"{8:016x}")
    assert trace.sealed_at < late.received_at
    filled = Filled(world, trace, trace.sealed_at + timedelta(microseconds=1))
    clock.read_moment()
    binder = export(filled)
    assert len(lines_of(archive_of(binder), TRACES)) == 1
    assert len(lines_of(archive_of(binder), SPANS)) == 4
    assert verify(tmp_path, archive_of(binder)).problems == []


def test_a_trace_from_before_traces_named_their_spans_verifies(filled: Filled, tmp_path: Path) -> None:
    old = Trace.objects.create(
        system=filled.world.system, trace_id=uuid.uuid4(), revision=1, digest="a" * 64, span_ids=None,
        status="complete", name="n", release=filled.world.release, started_at=datetime(2026, 2, 1, tzinfo=UTC),
        ended_at=datetime(2026, 2, 1, tzinfo=UTC), span_count=1, risk_tier="low", assembler_version="1",
        sealed_at=timezone.now(),
    )  # fmt: skip
    spans = [{"span_id": "1" * 16, "parent_span_id": "", "name": "n", "start_ns": 0, "status_code": 0,
              "status_message": "", "attributes": {}, "events": [], "resource": {}, "digest": "b" * 64}]  # fmt: skip
    store_spans(filled.world.system, old.trace_id, spans)
    report = verify(tmp_path, archive_of(export(filled, as_of=None)))
    assert report.problems == []
    assert (
        "1 of an old digest format, 1 of traces that name none"
        in {x.name: x.detail for x in report.lines}["completeness"]
    )


def test_spans_that_went_with_their_month_are_said_to_be_gone(
    world: World, settings: Settings, tmp_path: Path
) -> None:
    world.token(Scope.INGEST)
    old = timezone.now() - timedelta(days=200)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tracebinder_make_span_partition(%s)", [old.date()])
    trace_id = send_trace(began=old)
    assemble()
    filled = Filled(world, Trace.objects.get(trace_id=trace_id), timezone.now())
    assert "3 spans digested again;" in completeness_of(tmp_path, export(filled))
    settings.RETENTION_DAYS = {**settings.RETENTION_DAYS, "traces": 60}
    apply_retention()
    binder = export(filled)
    assert "0 spans digested again, 3 gone by retention" in completeness_of(tmp_path, binder)

    def keep_silent(rows: Lines) -> None:
        rows[0]["redactions"] = []

    problems = verify_forged(tmp_path, binder, {"redactions.json": keep_silent}).problems
    assert ["nothing says why" in one.detail for one in problems] == [False, True]
    assert "whether anything is gone" in problems[0].detail

    def name_another_month(rows: Lines) -> None:
        for redaction in rows[0]["redactions"]:
            redaction["pointer"] = "evidence_span_2019_01"

    (problem,) = verify_forged(tmp_path, binder, {"redactions.json": name_another_month}).problems
    assert "nothing says why" in problem.detail


def completeness_of(folder: Path, binder: Binder) -> str:
    report = verify(folder, archive_of(binder))
    assert report.problems == []
    return {line.name: line.detail for line in report.lines}["completeness"]
