"""A system's reading from its proposal to the traces that are sealed, read again and replayed by it."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from evidence import clock
from evidence.access import Principal, principal_of_user
from evidence.digests import digest_of
from evidence.errors import AccessDenied, ConflictingContent, InvalidInput, NotFound
from evidence.models import ArtefactVersion, AuditEvent, PendingTrace, Review, Scope, System, Trace
from evidence.selectors.readings import find_reading_of, find_readings_in_force
from evidence.services import assembly, readings, registry, reviews
from evidence.services.assembly import assemble_due_traces, read_again, replay_trace, try_reading
from evidence.services.disposal.erasure import erase_trace_payload
from tests.evidence.binder_world import Filled, archive_of, export, verify
from tests.evidence.otlp_bodies import PROTOBUF, make_request
from tests.evidence.otlp_bodies import make_span as sent_span
from tests.evidence.semconv_spans import make_span
from tests.evidence.stored_spans import BASE_NS, store_spans
from tests.evidence.test_assembly import spans_of
from tests.evidence.test_system_reading import ANSWER, QUESTION, reading, spans
from tests.factories import World, make_world

pytestmark = pytest.mark.django_db

TRACE_ID = UUID("0af7651916cd43dd8448eb211c80319c")
OTHER_ID = UUID("0af7651916cd43dd8448eb211c80319d")
BEGAN = datetime.fromtimestamp(BASE_NS / 1e9, tz=UTC)
PERIOD = {"since": BEGAN - timedelta(days=1), "until": BEGAN + timedelta(days=1)}


def propose(
    world: World, document: dict[str, Any] | None = None, by: Principal | None = None
) -> ArtefactVersion:
    return readings.propose_reading(
        principal=by or world.principal("author"),
        system=world.system,
        document=reading() if document is None else document,
    )


def settle(world: World, version: ArtefactVersion, to_state: str = "approved", **over: Any) -> None:
    arguments = {"principal": world.principal("approver"), "reason": "checked", **over}
    readings.settle_reading_proposal(version=version, to_state=to_state, **arguments)


def approve(world: World, document: dict[str, Any] | None = None) -> ArtefactVersion:
    version = propose(world, document)
    settle(world, version)
    return version


def seal(world: World, *more: dict[str, Any], trace_id: UUID = TRACE_ID) -> Trace:
    store_spans(world.system, trace_id, more or spans())
    assert assemble_due_traces(limit=10) == 1
    return Trace.objects.filter(system=world.system, trace_id=trace_id).latest("revision")


def flags(trace: Trace) -> set[str]:
    return {flag["code"] for flag in trace.flags}


def again(world: World, **over: Any) -> assembly.ReadAgain:
    asked = {
        "principal": world.principal("operator"),
        "system": world.system,
        "reason": "r",
        **PERIOD,
        **over,
    }
    return read_again(**asked)


def assemble_again() -> None:
    PendingTrace.objects.update(last_received_at=clock.now() - timedelta(minutes=1))
    assemble_due_traces(limit=10)


def test_a_system_that_no_dialect_knows_becomes_readable(world: World) -> None:
    assert seal(world, trace_id=OTHER_ID).answer == ""
    version = approve(world)
    trace = seal(world)
    assert (trace.question, trace.answer) == (QUESTION, ANSWER)
    assert [turn["answer"]["source"]["rule"] for turn in trace.exchanges or ()] == ["reading"]
    assert [one.document_ref for one in trace.retrievals.order_by("rank")] == ["RATE-1", "FEE-1"]
    (used,) = trace.versions.all()
    assert (used.slot, used.version) == ("reading", version)


def test_a_reading_that_nobody_approved_reads_nothing(world: World) -> None:
    version = propose(world)
    assert seal(world).answer == ""
    settle(world, version, "declined")
    assert find_readings_in_force([world.system.pk])[world.system.pk].version is None


def test_a_reading_of_one_system_reads_no_traces_of_another(world: World) -> None:
    approve(world)
    assert seal(make_world("other")).answer == ""


def test_each_step_is_an_event_of_whoever_took_it(world: World) -> None:
    version = approve(world)
    events = AuditEvent.objects.filter(verb__startswith="reading_version.").order_by("pk")
    assert [(event.verb, event.actor, event.object_digest) for event in events] == [
        ("reading_version.proposed", world.principal("author").actor, version.digest),
        ("reading_version.approved", world.principal("approver").actor, version.digest),
    ]


def test_nobody_approves_what_they_proposed(world: World) -> None:
    approver = world.people["approver"]
    approver.groups.add(*world.people["author"].groups.all())
    version = propose(world, by=principal_of_user(approver))
    with pytest.raises(AccessDenied, match="second person"):
        settle(world, version)


def test_what_replaces_another_version_than_the_one_in_force_is_not_approved(world: World) -> None:
    late = propose(world, {})
    approve(world)
    with pytest.raises(ConflictingContent, match="propose its content again"):
        settle(world, late)


def test_an_empty_document_takes_a_reading_back(world: World) -> None:
    approve(world)
    assert approve(world, {}).number == 2
    assert seal(world).answer == ""


def test_what_is_no_reading_is_not_proposed_and_each_fault_is_named(world: World) -> None:
    with pytest.raises(InvalidInput) as refused:
        propose(world, {"anwser": [], "question": [{"span": "a"}]})
    assert [fault.path for fault in refused.value.faults] == ["document.anwser", "document.question[0]"]


def test_no_release_pins_a_reading(world: World) -> None:
    pin = registry.PinSpec(slot="reading", kind="reading", key="traces", label="1", digest="a" * 64)
    with pytest.raises(InvalidInput, match="proposed and approved"):
        registry.register_release(
            principal=world.principal("author"),
            system=world.system,
            manifest=registry.ReleaseManifest(name="r2", pins=[pin]),
        )


def test_a_value_that_was_moved_to_the_blob_store_is_brought_back_and_replays(
    world: World, api: Any, settings: Any
) -> None:
    settings.OTLP_MAX_ATTRIBUTE = 2_000
    approve(world, {"answer": [{"span": "handle", "attribute": "acme.reply"}]})
    long = "An overdraft costs 15% a year. " * 100
    body = make_request(
        sent_span(name="handle", attributes={"acme.reply": long}), system=world.system.key
    ).SerializeToString()
    posted = api.post("/v1/traces", body, content_type=PROTOBUF, **world.headers(Scope.INGEST))
    assert posted.status_code == 200
    assemble_again()
    trace = Trace.objects.get()
    assert trace.answer == long
    assert replay_trace(trace).agrees


# What was sealed before.


def test_a_reading_approved_later_changes_nothing_that_was_sealed_before(world: World) -> None:
    before = seal(world)
    approve(world)
    assemble_again()
    store_spans(world.system, TRACE_ID, [])  # somebody sent the same again
    assert assemble_due_traces(limit=10) == 1
    assert Trace.objects.get(trace_id=TRACE_ID) == before
    assert find_reading_of(before).version is None


def test_the_next_revision_is_read_by_the_reading_of_then_and_says_so(world: World) -> None:
    seal(world)
    approve(world)
    late = make_span("00000000000000ce", name="log", start=30)
    trace = seal(world, late)
    assert (trace.revision, trace.answer) == (2, ANSWER)
    assert {"reading_changed", "answer_changed", "question_changed", "documents_changed"} <= flags(trace)


def test_traces_are_read_again_on_request_and_reviews_stay_with_what_was(world: World) -> None:
    before = seal(world)
    reviews.record_review(
        principal=world.principal("reviewer"), trace=before, decision="approve", reason_code="", rationale=""
    )
    approve(world)
    assert again(world) == assembly.ReadAgain(queued=1, left=0)
    assemble_again()
    trace = Trace.objects.get(trace_id=TRACE_ID, revision=2)
    assert (trace.answer, trace.digest, trace.span_ids) == (ANSWER, before.digest, before.span_ids)
    assert {"reading_changed", "answer_changed"} <= flags(trace)
    assert [review.task.trace for review in Review.objects.all()] == [before]
    event = AuditEvent.objects.get(verb="reading_version.applied")
    assert event.actor == world.principal("operator").actor
    assert again(world) == assembly.ReadAgain(queued=0, left=0)


def test_a_call_takes_so_many_and_says_how_many_are_left(world: World) -> None:
    for trace_id in (TRACE_ID, OTHER_ID):
        seal(world, trace_id=trace_id)
    approve(world)
    assert again(world, most=1) == assembly.ReadAgain(queued=1, left=1)
    assert again(world) == assembly.ReadAgain(queued=1, left=0)
    assemble_again()
    assert Trace.objects.filter(revision=2).count() == 2
    assert again(world) == assembly.ReadAgain(queued=0, left=0)


def test_what_is_erased_or_of_another_time_or_system_is_not_read_again(world: World) -> None:
    seal(world)
    other = make_world("other")
    seal(other, trace_id=OTHER_ID)
    approve(world)
    assert again(world, since=PERIOD["until"], until=PERIOD["until"] + timedelta(days=1)).queued == 0
    erase_trace_payload(
        principal=world.principal("operator"), system=world.system, trace_id=TRACE_ID, reason="request 1"
    )
    assert again(world).queued == 0
    assert not PendingTrace.objects.filter(system=other.system).exists()


@pytest.mark.parametrize("over", [{"reason": " "}, {"until": PERIOD["since"]}, {"most": 0}, {"most": 10_001}])
def test_what_cannot_be_read_again_is_said(world: World, over: dict[str, Any]) -> None:
    approve(world)
    with pytest.raises(InvalidInput):
        again(world, **over)


def test_without_an_approved_reading_nothing_is_read_again(world: World) -> None:
    propose(world)
    with pytest.raises(ConflictingContent, match="Nobody has approved"):
        again(world)


def test_the_command_says_how_many_wait(world: World, capsys: Any) -> None:
    seal(world)
    approve(world)
    operator = world.people["operator"].username
    asked = ["read_again", "--system", world.system.key, "--since", "2020-01-01", "--until", "2030-01-01"]
    call_command(*asked, "--reason", "a reading was approved", "--by", operator)
    assert "1 traces wait to be read again" in capsys.readouterr().out
    with pytest.raises(CommandError, match="operator"):
        call_command(*asked, "--reason", "r", "--by", world.people["author"].username)


# Replay.


def test_each_revision_replays_by_the_version_it_was_read_by(world: World) -> None:
    approve(world)
    first = seal(world)
    approve(world, {"answer": [{"span": "make_title", "attribute": "acme.reply"}]})
    again(world)
    assemble_again()
    second = Trace.objects.get(trace_id=TRACE_ID, revision=2)
    assert (first.answer, second.answer) == (ANSWER, "Overdraft prices")
    assert replay_trace(first).agrees
    assert replay_trace(second).agrees


def test_a_replay_sees_that_other_exchanges_are_told(world: World) -> None:
    approve(world)
    trace = seal(world)
    for turn in trace.exchanges or ():
        turn["answer"]["text"] = "Another."
    told = replay_trace(trace)
    assert told.differs
    assert "version 1 of the system's reading tells other exchanges" in told.explain()


# Trying.


def attempt(world: World, **over: Any) -> assembly.Tried:
    asked = {"principal": world.principal("author"), "system": world.system, "document": reading(),
             "trace": TRACE_ID.hex[:12], **over}  # fmt: skip
    return try_reading(**asked)


def test_a_draft_is_tried_beside_what_is_in_force_and_nothing_is_stored(world: World) -> None:
    seal(world)
    before = (Trace.objects.count(), ArtefactVersion.objects.count(), AuditEvent.objects.count())
    tried = attempt(world)
    assert (tried.now.answer, tried.then.answer) == ("", ANSWER)
    assert tried.in_force.number is None
    assert (Trace.objects.count(), ArtefactVersion.objects.count(), AuditEvent.objects.count()) == before
    approve(world)
    assert attempt(world, document={}).now.answer == ANSWER
    assert attempt(world, document={}).in_force.number == 1


def test_only_traces_of_the_system_are_tried(world: World) -> None:
    seal(make_world("other"))
    with pytest.raises(NotFound, match="no trace"):
        attempt(world)
    foreign = System.objects.get(key="other")
    with pytest.raises(NotFound):
        attempt(world, system=foreign)


def test_a_beginning_of_several_ids_and_what_is_none_are_refused(world: World) -> None:
    for trace_id in (TRACE_ID, OTHER_ID):
        seal(world, trace_id=trace_id)
    with pytest.raises(InvalidInput, match="Several traces"):
        attempt(world)
    assert attempt(world, trace=TRACE_ID.hex).trace.trace_id == TRACE_ID
    with pytest.raises(InvalidInput, match="no trace id"):
        attempt(world, trace="xyz")


def test_nothing_is_tried_on_what_was_erased_or_is_gone(world: World) -> None:
    seal(world)
    erase_trace_payload(
        principal=world.principal("operator"), system=world.system, trace_id=TRACE_ID, reason="request 1"
    )
    with pytest.raises(ConflictingContent, match="erased"):
        attempt(world)


def test_a_trace_that_is_too_large_is_not_tried(world: World, settings: Any) -> None:
    seal(world)
    settings.TRACE_MAX_SPANS = 2
    with pytest.raises(ConflictingContent, match="TRACEBINDER_TRACE_MAX_SPANS"):
        attempt(world)


# The API.


def test_the_api_proposes_tries_lists_and_settles(world: World) -> None:
    seal(world)
    api = APIClient(**world.headers(Scope.IMPORT, Scope.READ))
    body = {"system": world.system.key, "document": reading()}
    tried = api.post("/api/v1/readings/try", {**body, "trace": TRACE_ID.hex}, format="json")
    assert tried.status_code == 200, tried.content
    assert tried.json()["now"]["exchanges"][0]["answer"]["absent"] == "not_recorded"
    assert tried.json()["then"]["exchanges"][0]["answer"]["text"] == ANSWER
    assert tried.json()["then"]["documents"][0]["source"]["rule"] == "reading"
    proposed = api.post("/api/v1/readings", {**body, "reason": "ours"}, format="json")
    assert (proposed.status_code, proposed.json()["state"], proposed.json()["in_force"]) == (
        201, "proposed", False)  # fmt: skip
    path, step = "/api/v1/readings/1/transitions", {"system": world.system.key, "to_state": "approved"}
    assert api.post(path, step, format="json").status_code == 403
    settle(world, ArtefactVersion.objects.get(artefact__kind="reading"))
    (listed,) = api.get("/api/v1/readings", {"state": "approved"}).json()["results"]
    assert (listed["in_force"], listed["document"]) == (True, reading())
    assert [move["to_state"] for move in listed["transitions"]] == ["proposed", "approved"]


def test_the_api_names_each_fault_of_a_draft(world: World) -> None:
    api = APIClient(**world.headers(Scope.IMPORT))
    body = {"system": world.system.key, "document": {"answer": [{"span": "a", "attribute": "b", "pth": "c"}]}}
    answer = api.post("/api/v1/readings", body, format="json")
    (fault,) = answer.json()["errors"]
    assert (answer.status_code, fault["path"], fault["nearest"]) == (422, "document.answer[0].pth", "path")


# The binder.


def test_a_binder_holds_each_version_that_a_trace_of_it_was_read_by(world: World, tmp_path: Path) -> None:
    version = approve(world)
    approve(world, reading() | {"turns": [{"span": "none"}]})
    trace = seal(world, *spans_of(world))
    packed = archive_of(export(Filled(world, trace, clock.now())))
    report = verify(tmp_path, packed)
    assert report.exit_code == 0, report.problems
    with zipfile.ZipFile(BytesIO(packed)) as archive:
        files = {name.partition("/data/")[2]: archive.read(name) for name in archive.namelist()}
    held = json.loads(files["readings/2.json"])
    assert "readings/1.json" not in files
    assert (held["approvedBy"], held["replaces"]) == (world.principal("approver").actor, version.digest)
    assert [one["by"] for one in held["proposals"]] == [world.principal("author").actor]
    assert digest_of({"reading": held["document"], "replaces": held["replaces"]}) == held["digest"]
    people = json.loads(files["people.json"])["people"]
    assert {held["approvedBy"], held["proposals"][0]["by"]} <= {person["actor"] for person in people}
    traces = [json.loads(line) for line in files["traces/traces.jsonl"].splitlines()]
    used = [one["digest"] for trace in traces for one in trace["versions"] if one["slot"] == "reading"]
    assert set(used) == {held["digest"]}
    jsonschema.validate(held, json.loads(files["schemas/reading.json"]))


def test_the_page_says_how_far_it_got(world: World, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for trace_id in (TRACE_ID, OTHER_ID):
        seal(world, trace_id=trace_id)
    approve(world)
    client.force_login(world.people["operator"])
    page = reverse("admin:read_again")
    days = {name: f"{moment.date()}" for name, moment in PERIOD.items()}
    asked = {"system": world.system.pk, "reason": "r", **days}
    with monkeypatch.context() as few:
        few.setattr(assembly, "read_again", partial(read_again, most=1))
        led = client.post(page, asked)
    assert (led.status_code, led["Location"]) == (302, page), "loading it again queues nothing again"
    told = client.get(page).content.decode()
    assert "1 trace waits to be read again" in told
    assert "1 more began in this period" in told
    assert "1 trace waits" not in client.get(page).content.decode(), "it is told once"
    assert "1 trace waits to be read again" in client.post(page, asked, follow=True).content.decode()
    assert "No trace of this period is left" in client.post(page, asked, follow=True).content.decode()


def test_the_page_says_what_it_cannot_do(world: World, client: Client) -> None:
    client.force_login(world.people["operator"])
    page = reverse("admin:read_again")
    asked = {"system": world.system.pk, "since": "2026-01-02", "until": "", "reason": "r"}
    refused = client.post(page, asked)
    assert refused.status_code == ConflictingContent.http_status
    assert "Nobody has approved a reading" in refused.content.decode()
    for over in ({"until": "2026-01-02"}, {"reason": ""}, {"since": ""}, {"system": ""}):
        refused = client.post(page, asked | over)
        assert refused.status_code == 422, over
    assert not PendingTrace.objects.exists()
