"""An erasure takes what is the subject's, in every copy, and nothing that is another's."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from evidence import clock, locks
from evidence.access import principal_of_command_line, principal_of_token
from evidence.clock_rules import offset_sql
from evidence.digests import digest_of, sha256_hex
from evidence.errors import BlobErased, PlanOvertaken
from evidence.models import (
    AccessToken,
    AuditEvent,
    BlobRemoval,
    Checkpoint,
    Erasure,
    IngestBatch,
    Reject,
    Scope,
    Span,
)
from evidence.otlp.errors import UndecodableBody
from evidence.otlp.values import BLOB_KEY
from evidence.redaction import redact
from evidence.services import assembly, evals, ingest, log
from evidence.services.blob_checks import check_blobs
from evidence.services.blobs import blob_path, read_blob, read_what_is_left, what_is_left
from evidence.services.disposal import blob_removal, bodies, erasure, files, holds
from evidence.services.disposal.blob_plans import Role
from evidence.services.disposal.blob_removal import sweep_removed
from evidence.services.disposal.certificates import read_certificate
from evidence.services.disposal.erasure import erase_subject, erase_trace_payload
from evidence.services.disposal.planning import check_agreed, digest_of_plans, plan_erasure, plan_subject
from evidence.services.disposal.retention import apply_retention
from evidence.services.ingest import requests, spans
from evidence.services.log.checking import check_log
from evidence.services.people import memberships
from interpret.services.prompts import collect_answer_prompts, read_inputs, store_inputs
from tests.evidence.eval_files import eval_file, post
from tests.evidence.otlp_bodies import (
    JSON,
    PROTOBUF,
    START_NS,
    make_request,
    make_span,
    read_traces,
    to_otlp_json,
)
from tests.factories import ACTOR, World, acting, make_world

MINE, OTHER = uuid.UUID(int=0xA1), uuid.UUID(int=0xB2)
SECRET = "Ms Ngozi Okafor earns 41,200 a year"
THEIRS = "Mr Paul Weber asks about a loan"
LONG = "A statement of account, shared by both. " * 7_000  # above the limit of one value
DAY_NS = 86_400_000_000_000


def span_of(trace_id: uuid.UUID, words: str, *, start: int = START_NS, **attributes: str) -> Any:
    said = {
        "gen_ai.operation.name": "invoke_agent", "tracebinder.release": "r1",
        "tracebinder.question": words, "tracebinder.answer": f"The answer to {words}", **attributes,
    }  # fmt: skip
    return make_span(
        trace_id=trace_id.bytes, parent_span_id=b"", attributes=said,
        start_time_unix_nano=start, end_time_unix_nano=start + 1,
    )  # fmt: skip


def send(*spans: Any, as_json: bool = False) -> str:
    """Post the spans in one body, seal their traces, and return the body's digest."""
    request = make_request(*spans)
    body, kind = (to_otlp_json(request), JSON) if as_json else (request.SerializeToString(), PROTOBUF)
    sender = principal_of_token(AccessToken.objects.get())
    receipt = ingest.ingest_traces(body=body, content_type=kind, content_encoding="", principal=sender)
    assembly.assemble_due_traces(limit=10, now=timezone.now() + timedelta(minutes=1))
    return receipt.batch.body_digest


def erase(world: World, trace_id: uuid.UUID = MINE) -> Any:
    return erase_trace_payload(system=world.system, trace_id=trace_id, reason="request 1", principal=acting())


@pytest.fixture
def sender(world: World) -> World:
    world.token(Scope.INGEST)
    return world


@pytest.mark.django_db(transaction=True)
def test_a_large_value_that_another_trace_shares_is_kept_until_that_goes_too(sender: World) -> None:
    send(span_of(MINE, SECRET, statement=LONG), span_of(OTHER, THEIRS, statement=LONG))
    [digest] = {
        attributes["statement"][BLOB_KEY].removeprefix("sha256:")
        for attributes in Span.objects.values_list("attributes", flat=True)
    }
    erase(sender)
    assert LONG.encode() in read_blob(digest)
    erase(sender, OTHER)
    with pytest.raises(BlobErased):
        read_blob(digest)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_body_keeps_the_spans_of_others_and_none_of_the_subjects(sender: World, as_json: bool) -> None:
    held = span_of(OTHER, THEIRS, start=START_NS + DAY_NS)
    body = send(span_of(MINE, SECRET), held, as_json=as_json)
    stored = Span.objects.get(trace_id=OTHER)
    holds.place_hold(
        system=sender.system,
        reason="lawsuit",
        period_from=stored.started_at,
        period_to=None,
        principal=acting(),
    )
    erase(sender)
    with pytest.raises(BlobErased):
        read_blob(body)
    assert not blob_path(body).exists()
    left = read_what_is_left(body)
    assert SECRET.encode() not in left
    [kept] = read_traces(left, JSON if as_json else PROTOBUF).spans
    assert (kept.trace_id, kept.digest) == (OTHER.hex, stored.digest)
    assert IngestBatch.objects.get().body_digest == body
    assert send(span_of(MINE, SECRET), held, as_json=as_json) == body  # answered as before, by its digest
    assert IngestBatch.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("held", [False, True])
def test_a_body_that_cannot_be_taken_apart_goes_whole_unless_somebody_in_it_is_under_hold(
    sender: World,
    held: bool,
) -> None:
    other, odd = span_of(OTHER, THEIRS, start=START_NS + DAY_NS), span_of(OTHER, THEIRS)
    odd.name = "lone"
    body = to_otlp_json(make_request(span_of(MINE, SECRET), other, odd)).replace(
        b'"name": "lone"', b'"name": "lone", "name": "lone"'
    )
    writer = principal_of_token(AccessToken.objects.get())
    ingest.ingest_traces(body=body, content_type=JSON, content_encoding="", principal=writer)
    if held:
        start = Span.objects.get(trace_id=OTHER).started_at
        holds.place_hold(
            system=sender.system, reason="lawsuit", period_from=start, period_to=None, principal=acting()
        )
    plan = erase(sender).plan
    digest = IngestBatch.objects.get().body_digest
    assert blob_path(digest).exists() is held
    assert [blob.others for blob in plan.blobs] == ([] if held else [2])
    whys = [stay.why.partition(" ")[0] for stay in plan.stays]
    assert whys == (["under"] if held else [])
    assert Span.objects.get(trace_id=OTHER).attributes["tracebinder.question"] == THEIRS


@pytest.mark.django_db(transaction=True)
def test_what_is_left_of_a_body_goes_with_the_last_of_its_traces(sender: World) -> None:
    body = send(span_of(MINE, SECRET), span_of(OTHER, THEIRS))
    erase(sender)
    rest = BlobRemoval.objects.get(pk=body).remainder_id
    assert rest is not None
    erase(sender, OTHER)
    assert not blob_path(rest).exists()
    with pytest.raises(BlobErased):
        read_what_is_left(body)


@pytest.mark.django_db(transaction=True)
def test_prompts_copied_into_a_probes_dataset_are_reached(sender: World) -> None:
    send(span_of(MINE, SECRET), span_of(OTHER, THEIRS))
    version = store_inputs(release=sender.release, inputs=collect_answer_prompts(sender.release), actor=ACTOR)
    assert {item.text for item in read_inputs(version)} == {SECRET, THEIRS}
    erase(sender)
    with pytest.raises(BlobErased):
        read_inputs(version)
    assert version.blob_id is not None
    left = json.loads(read_what_is_left(version.blob_id))
    assert left == [{"tracebinder.erased": True}, left[1]]
    assert left[1]["text"] == THEIRS
    again = collect_answer_prompts(sender.release)  # what is erased is nobody's prompt any more
    assert [item.text for item in again] == [THEIRS]


def refused_sample(**fields: Any) -> dict[str, Any]:
    return {"id": "bad", "slice": {}, "output": "a", "scores": {"grounded": {"status": "nonsense"}}, **fields}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("link", [{"trace_id": MINE.hex, "input": "short"}, {"input": f"Asked: {SECRET}"}])
def test_a_rejected_sample_is_reached_by_trace_id_or_by_its_words(
    sender: World, link: dict[str, str]
) -> None:
    send(span_of(MINE, SECRET))
    kept = refused_sample(id="kept", input=THEIRS)
    document = json.loads(eval_file())
    document["samples"] += [refused_sample(**link), kept]
    run = post(sender, json.dumps(document).encode()).run
    mine, theirs = Reject.objects.order_by("pk")
    report = erase(sender)
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert mine.item == {"tracebinder.erased": True}
    assert theirs.item == kept
    assert report.erasure.copies == {"evidence_reject": [mine.pk]}
    left = json.loads(read_what_is_left(run.raw_id))
    assert SECRET not in json.dumps(left)
    assert left["samples"][:30] == document["samples"][:30]
    assert left["samples"][31] == kept


@pytest.mark.django_db(transaction=True)
def test_a_sample_without_a_trace_that_holds_the_subjects_words_is_reached(sender: World) -> None:
    send(span_of(MINE, SECRET))
    document = json.loads(eval_file())
    document["samples"][3]["input"] = SECRET
    run = post(sender, json.dumps(document).encode()).run
    erase(sender)
    assert run.samples.get(sample_id="3").input == "[erased]"
    assert run.samples.get(sample_id="4").input == "q"
    assert run.scores.get(slice={}).n == 30


@pytest.mark.django_db(transaction=True)
def test_a_refused_file_is_reached_and_the_rest_of_it_is_kept(sender: World) -> None:
    send(span_of(MINE, SECRET))
    raw = eval_file(run_key=7, note=SECRET, other=THEIRS)
    with pytest.raises(evals.EvalFileRefused):
        post(sender, raw)
    refused = Reject.objects.get()
    erase(sender)
    assert not blob_path(refused.item_digest).exists()
    left = read_what_is_left(refused.item_digest).decode()
    assert SECRET not in left
    assert THEIRS in left


@pytest.mark.django_db(transaction=True)
def test_a_file_is_cut_once_and_before_anything_is_locked(
    sender: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two megabytes a second: whoever places a hold, sends or erases would wait for the whole of it."""
    send(span_of(MINE, SECRET))
    with pytest.raises(evals.EvalFileRefused):
        post(sender, eval_file(run_key=7, note=SECRET, other=THEIRS))
    was_free = []

    def is_free() -> bool:
        with closing(connection), transaction.atomic():
            return locks.try_hold(locks.Lock.DISPOSAL)

    def ask_and_cut(data: bytes, subject: Any) -> bytes:
        with ThreadPoolExecutor(1) as other:
            was_free.append(other.submit(is_free).result())
        return redact(data, subject)

    monkeypatch.setattr(files, "redact", ask_and_cut)
    erase(sender)
    assert was_free == [True]
    assert SECRET not in read_what_is_left(Reject.objects.get().item_digest).decode()


@pytest.mark.django_db(transaction=True)
def test_what_another_trace_comes_to_say_while_a_file_is_cut_stays(
    sender: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = "An answer that two traces come to give"
    answer: Any = {"tracebinder.answer": shared}
    send(span_of(MINE, SECRET, **answer))
    document = json.loads(eval_file())
    document["samples"][3] |= {"input": SECRET, "output": shared}
    run = post(sender, json.dumps(document).encode()).run
    cuts = []

    def send_and_cut(data: bytes, subject: Any) -> bytes:
        cuts.append(subject)
        if len(cuts) == 1:
            send(span_of(OTHER, THEIRS, **answer))
        return redact(data, subject)

    monkeypatch.setattr(files, "redact", send_and_cut)
    blobs = {path.name for path in settings.BLOB_ROOT.rglob("*") if path.is_file()}
    erase(sender)
    left = read_what_is_left(run.raw_id).decode()
    assert SECRET not in left
    assert shared in left
    assert len(cuts) == 2
    added = {path.name for path in settings.BLOB_ROOT.rglob("*") if path.is_file()} - blobs
    assert sha256_hex(left.encode()) in added
    assert len(added) == 2  # with the second request: what the first cut would have left is nowhere


@pytest.mark.django_db(transaction=True)
def test_words_that_another_trace_says_too_are_not_the_subjects_alone(sender: World) -> None:
    send(span_of(MINE, THEIRS), span_of(OTHER, THEIRS))
    document = json.loads(eval_file())
    document["samples"][3]["input"] = THEIRS
    run = post(sender, json.dumps(document).encode()).run
    erase(sender)
    assert run.samples.get(sample_id="3").input == THEIRS
    assert read_blob(run.raw_id) == json.dumps(document).encode()
    assert Erasure.objects.get().copies == {}


@pytest.mark.django_db(transaction=True)
def test_a_value_that_another_trace_brings_after_the_erasure_is_that_traces_own(sender: World) -> None:
    send(span_of(MINE, SECRET, statement=LONG))
    erase(sender)
    send(span_of(OTHER, THEIRS, statement=LONG))
    marker = Span.objects.get(trace_id=OTHER).attributes["statement"][BLOB_KEY]
    sweep_removed()
    assert LONG.encode() in read_blob(marker.removeprefix("sha256:"))
    erase(sender, OTHER)
    with pytest.raises(BlobErased):
        read_blob(marker.removeprefix("sha256:"))


@pytest.mark.django_db(transaction=True)
def test_a_value_that_came_back_after_its_removal_is_checked_like_any_other(sender: World) -> None:
    send(span_of(MINE, SECRET, statement=LONG))
    erase(sender)
    send(span_of(OTHER, THEIRS, statement=LONG))
    sweep_removed()
    assert check_blobs(reads=True).faults == []
    marker = Span.objects.get(trace_id=OTHER).attributes["statement"][BLOB_KEY]
    value = blob_path(marker.removeprefix("sha256:"))
    value.write_bytes(b"changed")
    assert [fault for fault in check_blobs(reads=True).faults if "was changed" in fault]
    value.unlink()
    assert [fault for fault in check_blobs(reads=False).faults if "is missing" in fault]
    erase(sender, OTHER)
    assert check_blobs(reads=True).faults == []


@pytest.mark.django_db(transaction=True)
def test_a_value_goes_only_when_nobody_points_there_by_the_time_its_file_would_go(
    sender: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sender that finds the bytes still there writes none; between commit and unlink, that would lose them."""
    send(span_of(MINE, SECRET, statement=LONG))
    delete = blob_removal.delete_files

    def send_first(digests: Any) -> int:
        send(span_of(OTHER, THEIRS, statement=LONG))
        return delete(digests)

    monkeypatch.setattr(blob_removal, "delete_files", send_first)
    erase(sender)
    marker = Span.objects.get(trace_id=OTHER).attributes["statement"][BLOB_KEY]
    assert LONG.encode() in read_blob(marker.removeprefix("sha256:"))


@pytest.mark.django_db(transaction=True)
def test_an_erasure_waits_for_a_sender_that_is_about_to_share_the_value(
    sender: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On two connections: the sender has kept the value and its spans are not committed yet."""
    send(span_of(MINE, SECRET, statement=LONG))
    body = make_request(span_of(OTHER, THEIRS, statement=LONG)).SerializeToString()
    writer = principal_of_token(AccessToken.objects.get())
    kept, go_on, copy = Event(), Event(), spans.copy_spans

    def wait_and_copy(*args: Any) -> None:
        kept.set()
        assert go_on.wait(20)
        copy(*args)

    def in_thread(act: Callable[[], Any]) -> Any:
        try:
            return act()
        finally:
            connection.close()

    monkeypatch.setattr(requests, "copy_spans", wait_and_copy)
    with ThreadPoolExecutor(2) as pool:
        sent: dict[str, Any] = {"content_type": PROTOBUF, "content_encoding": "", "principal": writer}
        sending = pool.submit(in_thread, lambda: ingest.ingest_traces(body=body, **sent))
        assert kept.wait(20)
        erasing = pool.submit(in_thread, lambda: erase(sender))
        assert not wait([erasing], timeout=0.5).done
        go_on.set()
        sending.result(20)
        report = erasing.result(20)
    assert [stay.why for stay in report.plan.stays] == [f"shared with trace {OTHER.hex}"]
    marker = Span.objects.get(trace_id=OTHER).attributes["statement"][BLOB_KEY]
    assert LONG.encode() in read_blob(marker.removeprefix("sha256:"))


@pytest.mark.django_db(transaction=True)
def test_retention_takes_what_an_erasure_left_of_a_body(sender: World) -> None:
    body = send(span_of(MINE, SECRET), span_of(OTHER, THEIRS))
    erase(sender)
    rest = what_is_left(body)
    later = timezone.now() + timedelta(days=2)
    with override_settings(RETENTION_DAYS={"traces": 1, "logs": 0}):
        assert apply_retention(now=later, dry_run=True).n_bodies == 1
        assert apply_retention(now=later).n_bodies == 1
        assert not blob_path(rest).exists()
        assert apply_retention(now=later).n_bodies == 0


@pytest.mark.django_db(transaction=True)
def test_a_refused_span_whose_system_cannot_be_told_is_reached(sender: World) -> None:
    second = make_world("aml-copilot")
    AccessToken.objects.get().systems.add(second.system)
    memberships.grant_membership(
        principal=principal_of_command_line(), system=second.system, user=sender.people["operator"]
    )
    nowhere = make_request(span_of(MINE, SECRET, statement=LONG), system="nobody-knows")
    send(span_of(MINE, SECRET, statement=LONG))
    writer = principal_of_token(AccessToken.objects.get())
    ingest.ingest_traces(
        body=nowhere.SerializeToString(), content_type=PROTOBUF, content_encoding="", principal=writer
    )
    refused = Reject.objects.get()
    assert refused.system is None
    assert erase(sender).plan.stays == []
    refused.refresh_from_db()
    assert refused.item == {"tracebinder.erased": True}
    assert refused.batch is not None
    assert not blob_path(refused.batch.body_digest).exists()


@pytest.mark.django_db(transaction=True)
def test_a_refused_span_of_no_trace_with_the_subjects_words_goes_with_its_value(sender: World) -> None:
    send(span_of(MINE, SECRET))
    lost = span_of(MINE, SECRET, statement=LONG)
    lost.trace_id = b""
    body = send(lost)
    refused = Reject.objects.get()
    erase(sender)
    refused.refresh_from_db()
    assert refused.item == {"tracebinder.erased": True}
    assert not blob_path(body).exists()
    assert not any(LONG.encode() in path.read_bytes() for path in settings.BLOB_ROOT.glob("*/*"))


@pytest.mark.django_db(transaction=True)
def test_a_plan_changes_nothing_and_the_act_refuses_when_something_else_stays(sender: World) -> None:
    send(span_of(MINE, SECRET, statement=LONG))
    body = IngestBatch.objects.get().body_digest
    asked: dict[str, Any] = {"system": sender.system, "trace_id": MINE, "principal": acting()}
    plan = plan_erasure(**asked)
    assert (plan.rows["evidence.Span"], plan.stays) == (1, [])
    assert {blob.role for blob in plan.blobs} == {Role.BODY, Role.VALUE}
    assert read_blob(body)
    assert not Erasure.objects.exists()
    send(span_of(OTHER, THEIRS, statement=LONG))  # it shares the value from now on
    with pytest.raises(PlanOvertaken):
        erase_trace_payload(**asked, reason="request 1", as_planned=plan.stays_digest)
    assert not Erasure.objects.exists()
    again = plan_erasure(**asked)
    assert [stay.why for stay in again.stays] == [f"shared with trace {OTHER.hex}"]
    done = erase_trace_payload(**asked, reason="request 1", as_planned=again.stays_digest)
    assert done.certificate.document["stays"] == [{"what": s.what, "why": s.why} for s in again.stays]


@pytest.mark.django_db(transaction=True)
def test_traces_of_one_subject_that_share_a_value_take_it_with_them(sender: World) -> None:
    both: Any = {"statement": LONG, "enduser.id": "4711"}
    send(span_of(MINE, SECRET, **both), span_of(OTHER, THEIRS, **both))
    asked: dict[str, Any] = {
        "system": sender.system, "attribute": "enduser.id", "value": "4711", "principal": acting(),
    }  # fmt: skip
    plans = plan_subject(**asked)
    assert [[stay.why for stay in plan.stays] for plan in plans] == [[f"shared with trace {OTHER.hex}"], []]
    report = erase_subject(**asked, reason="request 1", agreed=digest_of_plans(plans))
    assert not report.held
    assert not any(
        path.is_file() and LONG.encode() in path.read_bytes() for path in settings.BLOB_ROOT.rglob("*")
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_shared", [False, True], ids=["each its own request", "one request"])
def test_a_plan_of_many_traces_asks_no_more_than_one_of_few(sender: World, *, is_shared: bool) -> None:
    def queries(first: int, n: int) -> int:
        person = str(first)
        named: Any = {"enduser.id": person}
        spans = [span_of(uuid.UUID(int=first + number), f"{SECRET} {number}", **named) for number in range(n)]
        for together in [spans] if is_shared else [[span] for span in spans]:
            send(*together)
        asked: dict[str, Any] = {"system": sender.system, "attribute": "enduser.id", "value": person}
        with CaptureQueriesContext(connection) as asked_for:
            assert len(plan_subject(principal=operator, **asked)) == n
        return len(asked_for)

    operator = sender.principal("operator")
    queries(1 << 99, 1)  # who they are is asked once
    few = queries(1 << 100, 3)
    assert queries(1 << 101, 9) == few <= 50


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("went", [False, True], ids=["spans are there", "retention took spans"])
def test_requests_that_may_hold_a_trace_are_asked_about_together(
    sender: World, monkeypatch: pytest.MonkeyPatch, *, went: bool
) -> None:
    """One that brought a span again is looked through for each trace; the database is not asked about each alone."""
    monkeypatch.setattr(bodies, "_spans_went", lambda *_: went)
    operator = sender.principal("operator")

    def queries(number: int, n_again: int) -> int:
        for each in range(n_again):
            twice = span_of(uuid.UUID(int=number + 1 + each), f"{THEIRS} {each}")
            send(twice)
            send(twice, span_of(uuid.UUID(int=number + 100 + each), THEIRS))
        send(span_of(uuid.UUID(int=number), SECRET))
        with CaptureQueriesContext(connection) as asked_for:
            plan_erasure(principal=operator, system=sender.system, trace_id=uuid.UUID(int=number))
        return len(asked_for)

    queries(1 << 99, 1)  # who they are is asked once
    few = queries(1 << 100, 1)
    assert IngestBatch.objects.filter(n_duplicate__gt=0).count() == 2
    assert queries(1 << 101, 20) == few


@pytest.mark.django_db(transaction=True)
def test_the_certificate_names_no_content_and_its_digest_is_in_the_signed_log(sender: World) -> None:
    send(span_of(MINE, SECRET), span_of(OTHER, THEIRS))
    log.sequence_events(limit=1000)
    log.sign_checkpoint()
    before = Checkpoint.objects.order_by("-size").first()
    certificate = erase(sender).certificate
    assert before is not None
    document = certificate.document
    assert document["log"]["checkpoint"] == {"size": before.size, "root_hash": bytes(before.root).hex()}
    assert SECRET not in json.dumps(document)
    assert certificate.digest == digest_of(document)
    assert read_certificate(certificate)["checkpoint"] is None
    log.sequence_events(limit=1000)
    log.sign_checkpoint()
    after = read_certificate(certificate)
    assert after["checkpoint"]["size"] > after["leaf"] >= before.size
    event = AuditEvent.objects.get(event_uuid=after["event"])
    assert certificate.digest.encode() in bytes(event.entry)
    assert check_log().holds


@pytest.mark.django_db
@pytest.mark.parametrize(("role", "status"), [("operator", 200), ("auditor", 200), ("reviewer", 200)])
def test_a_certificate_is_read_by_api(sender: World, api: APIClient, role: str, status: int) -> None:
    send(span_of(MINE, SECRET))
    certificate = erase(sender).certificate
    api.force_login(sender.people[role])
    listed = api.get("/api/v1/erasures").json()["results"]
    assert [one["trace_id"] for one in listed] == [MINE.hex]
    answer = api.get(f"/api/v1/erasures/{listed[0]['id']}/certificate")
    assert answer.status_code == status
    assert answer.json()["digest"] == digest_of(answer.json()["certificate"]) == certificate.digest
    stranger = make_world("aml-copilot")
    api.force_login(stranger.people[role])
    assert api.get(f"/api/v1/erasures/{listed[0]['id']}/certificate").status_code == 404


def send_refused(*, days_ago: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """Post a span of the subject that is refused, some days ago by our clock."""
    now = clock.now()
    with monkeypatch.context() as earlier:
        earlier.setattr(clock, "now", lambda: now - timedelta(days=days_ago))
        refused = span_of(MINE, SECRET)
        refused.end_time_unix_nano = 1
        return send(refused)


@pytest.mark.django_db(transaction=True)
def test_a_body_that_was_refused_long_before_the_first_span_is_reached(
    sender: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = send_refused(days_ago=3, monkeypatch=monkeypatch)
    send(span_of(MINE, SECRET))
    erase(sender)
    assert not blob_path(body).exists()


@pytest.mark.django_db(transaction=True)
def test_a_body_is_reached_though_retention_took_the_spans_it_brought(sender: World) -> None:
    old = timezone.now() - timedelta(days=200)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tracebinder_make_span_partition(%s)", [old.date()])
    start = int(old.timestamp()) * 1_000_000_000
    body = send(span_of(MINE, SECRET, start=start, statement=LONG), span_of(OTHER, THEIRS, start=start))
    [value] = read_traces(read_blob(body)).blobs
    with override_settings(RETENTION_DAYS={"traces": 60, "logs": 0}):
        apply_retention()  # by their start they are old, by their receipt they are not
    assert not Span.objects.exists()
    plan = erase(sender).plan
    assert {blob.role: blob.digest for blob in plan.blobs} == {Role.BODY: body, Role.VALUE: value.digest}
    assert SECRET.encode() not in read_what_is_left(body)
    assert not blob_path(value.digest).exists()
    [kept] = read_traces(read_what_is_left(body)).spans
    assert kept.trace_id == OTHER.hex


@pytest.mark.django_db(transaction=True)
def test_an_overtaken_plan_leaves_no_file_of_what_would_have_been_left(sender: World) -> None:
    send(span_of(MINE, SECRET), span_of(OTHER, THEIRS))
    before = sorted(settings.BLOB_ROOT.rglob("*"))
    with pytest.raises(PlanOvertaken):
        erase_trace_payload(
            system=sender.system, trace_id=MINE, reason="request 1", principal=acting(), as_planned="0" * 64
        )
    assert sorted(settings.BLOB_ROOT.rglob("*")) == before


@pytest.mark.django_db(transaction=True)
def test_what_a_plan_said_is_held_stays_though_the_hold_is_released_meanwhile(
    sender: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    both: Any = {"enduser.id": "4711"}
    send(span_of(MINE, SECRET, **both), span_of(OTHER, THEIRS, start=START_NS + DAY_NS, **both))
    start = Span.objects.get(trace_id=OTHER).started_at
    hold = holds.place_hold(
        system=sender.system, reason="lawsuit", period_from=start, period_to=None, principal=acting()
    )
    asked: dict[str, Any] = {
        "system": sender.system, "attribute": "enduser.id", "value": "4711", "principal": acting(),
    }  # fmt: skip
    agreed = digest_of_plans(plan_subject(**asked))

    def release_after(plans: Any, agreed: str) -> None:
        check_agreed(plans, agreed)
        holds.release_hold(principal=acting(), hold=hold, reason="settled")

    monkeypatch.setattr(erasure, "check_agreed", release_after)
    report = erase_subject(**asked, reason="request 1", agreed=agreed)
    assert [one.erasure.trace_id for one in report.erased] == [MINE]
    assert [trace_id for trace_id, _ in report.held] == [OTHER]
    assert Span.objects.get(trace_id=OTHER).attributes["tracebinder.question"] == THEIRS


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("held", [False, True])
def test_a_body_that_cannot_be_read_any_more_asks_for_holds_and_counts_the_others(
    sender: World, held: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = send(span_of(MINE, SECRET), span_of(OTHER, THEIRS, start=START_NS + DAY_NS))
    if held:
        start = Span.objects.get(trace_id=OTHER).started_at
        holds.place_hold(
            system=sender.system, reason="lawsuit", period_from=start, period_to=None, principal=acting()
        )

    def refuse(*_: Any) -> None:
        raise UndecodableBody("taken by an older version")

    monkeypatch.setattr(bodies, "read_items", refuse)
    plan = erase(sender).plan
    assert blob_path(body).exists() is held
    assert [blob.others for blob in plan.blobs] == ([] if held else [1])
    assert [stay.why.partition(",")[0].split()[0] for stay in plan.stays] == (["under"] if held else [])


@pytest.mark.django_db(transaction=True)
def test_a_file_that_nobody_can_look_into_is_named_as_not_reached(sender: World) -> None:
    send(span_of(MINE, SECRET))
    sealed = b"\x89PNG\r\n\x1a\n\x00\x00" + SECRET.encode("utf-16-le")
    with pytest.raises(evals.EvalFileRefused):
        post(sender, sealed)
    refused = Reject.objects.get()
    report = erase(sender)
    assert report.plan.unread == [f"refused file {refused.item_digest}"]
    assert any(refused.item_digest in one for one in report.certificate.document["not_reached"])


@pytest.mark.django_db(transaction=True)
def test_a_file_that_another_system_posted_too_stays_and_is_named(sender: World) -> None:
    second = make_world("aml-copilot")
    send(span_of(MINE, SECRET))
    raw = eval_file(run_key=7, note=SECRET)
    for world in (sender, second):
        with pytest.raises(evals.EvalFileRefused):
            post(world, raw)
    digest = Reject.objects.filter(system=sender.system).get().item_digest
    plan = erase(sender).plan
    assert [(stay.what, stay.why) for stay in plan.stays] == [
        (f"refused file {digest}", "another system posted the same file")
    ]
    assert read_blob(digest) == raw


@pytest.mark.django_db(transaction=True)
def test_what_is_left_of_one_body_stays_where_it_is_another_request_that_is_not_due(
    sender: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now()
    theirs = span_of(OTHER, THEIRS)
    with monkeypatch.context() as earlier, override_settings(CLOCK_TOLERANCE=10**9):
        earlier.setattr(clock, "now", lambda: now - timedelta(days=10))
        body = send(span_of(MINE, SECRET), theirs)
    young = send(theirs)
    erase(sender)
    assert what_is_left(body) == young
    with override_settings(RETENTION_DAYS={"traces": 5, "logs": 0}):
        apply_retention()
        assert read_blob(young)
        apply_retention(now=now + timedelta(days=6))
    assert not blob_path(young).exists()


@pytest.mark.django_db
def test_a_tombstone_is_numbered_as_rows_are_where_a_dump_was_restored(sender: World) -> None:
    """By PostgreSQL's bare number, one of before the restore would let a transaction of today erase again."""
    send(span_of(MINE, SECRET))
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute(offset_sql(1_000_000))
    erasure = erase(sender).erasure
    assert erasure.transaction_id == erasure.xact_id > 1_000_000
    assert SECRET not in str(Span.objects.get().attributes)


@pytest.mark.django_db(transaction=True)
def test_a_trace_of_which_everything_was_refused_can_be_erased(sender: World) -> None:
    refused = span_of(MINE, SECRET)
    refused.end_time_unix_nano = 1
    body = send(refused)
    assert not Span.objects.exists()
    report = erase(sender)
    assert report.plan.rows == {"evidence.Reject": 1}
    assert Reject.objects.get().item == {"tracebinder.erased": True}
    assert not blob_path(body).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("held", [False, True])
def test_a_file_that_cannot_be_taken_apart_goes_whole_unless_a_trace_in_it_is_under_hold(
    sender: World, held: bool
) -> None:
    send(span_of(MINE, SECRET), span_of(OTHER, THEIRS, start=START_NS + DAY_NS))
    if held:
        start = Span.objects.get(trace_id=OTHER).started_at
        holds.place_hold(
            system=sender.system, reason="lawsuit", period_from=start, period_to=None, principal=acting()
        )
    with pytest.raises(evals.EvalFileRefused):
        post(sender, f"<case>{MINE.hex}</case> <case>{OTHER.hex}</case>".encode())
    digest = Reject.objects.get().item_digest
    plan = erase(sender).plan
    assert blob_path(digest).exists() is held
    whys = [stay.why for stay in plan.stays]
    assert [why.partition(", ")[2] for why in whys] == (["and it cannot be taken apart"] if held else [])
