"""What an erasure would do is said before it, done as said or not at all, and certified."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from evidence.digests import digest_of
from evidence.errors import PlanOvertaken
from evidence.models import (
    AuditEvent,
    Checkpoint,
    Erasure,
    IngestBatch,
    Span,
)
from evidence.otlp.errors import UndecodableBody
from evidence.services import log
from evidence.services.blobs import blob_path, read_blob
from evidence.services.disposal import bodies, erasure, holds
from evidence.services.disposal.blob_plans import Role
from evidence.services.disposal.certificates import read_certificate
from evidence.services.disposal.erasure import erase_subject, erase_trace_payload
from evidence.services.disposal.planning import check_agreed, digest_of_plans, plan_erasure, plan_subject
from evidence.services.log.checking import check_log
from tests.evidence.otlp_bodies import (
    START_NS,
)
from tests.evidence.subjects import DAY_NS, LONG, MINE, OTHER, SECRET, THEIRS, erase, send, span_of
from tests.factories import World, acting, make_world


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
