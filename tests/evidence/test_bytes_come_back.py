"""Bytes that were removed for one and that somebody else is told are kept: they stay, until their turn comes."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import override_settings
from django.utils import timezone

from evidence import clock
from evidence.access import principal_of_token
from evidence.digests import sha256_hex
from evidence.errors import BlobErased
from evidence.models import AccessToken, BlobRemoval, IngestBatch, Reject, Scope
from evidence.services import assembly, evals, ingest, registry
from evidence.services.blob_checks import check_blobs
from evidence.services.blobs import blob_path, read_blob, store_blob
from evidence.services.disposal import blob_removal
from evidence.services.disposal.blob_removal import sweep_removed
from evidence.services.disposal.retention import apply_retention
from interpret.services.prompts import collect_answer_prompts, read_inputs, store_inputs
from tests.evidence.eval_files import eval_file, post
from tests.evidence.otlp_bodies import JSON, PROTOBUF, make_request, to_otlp_json
from tests.evidence.subjects import LONG, MINE, OTHER, SECRET, THEIRS, erase, send, span_of
from tests.factories import ACTOR, World, make_world

NOTED = eval_file(run_key=7, note=SECRET, other=THEIRS)  # cannot be read, so any system may post it


def refuse(world: World) -> str:
    """Post the file that cannot be read, and return its digest."""
    with pytest.raises(evals.EvalFileRefused):
        post(world, NOTED)
    return Reject.objects.filter(system=world.system).get().item_digest


@pytest.mark.django_db(transaction=True)
def test_a_file_that_another_system_posts_after_its_removal_is_kept_and_checked(
    sender: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(span_of(MINE, SECRET))
    digest = refuse(sender)
    erase(sender)
    assert not blob_path(digest).exists()
    refuse(make_world("aml-copilot"))
    sweep_removed()
    assert read_blob(digest) == NOTED
    later = timezone.now() + timedelta(days=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert check_blobs(reads=True).faults == []
    blob_path(digest).unlink()
    assert [fault for fault in check_blobs(reads=False).faults if digest in fault and "is missing" in fault]


@pytest.mark.django_db(transaction=True)
def test_a_file_that_another_system_posts_while_an_erasure_ends_is_kept(
    sender: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the commit and the deletion, and before: whoever finds the bytes still there writes none."""
    second = make_world("aml-copilot")
    send(span_of(MINE, SECRET))
    digest = refuse(sender)
    record = blob_removal.remove_blobs

    def post_first(*args: Any, **more: Any) -> list[str]:
        refuse(second)
        return record(*args, **more)

    monkeypatch.setattr("evidence.services.disposal.erasure.remove_blobs", post_first)
    erase(sender)
    assert BlobRemoval.objects.filter(pk=digest).exists()
    assert read_blob(digest) == NOTED


@pytest.mark.django_db(transaction=True)
def test_what_came_back_is_erased_again_for_the_system_that_has_it(sender: World) -> None:
    second = make_world("aml-copilot")
    send(span_of(MINE, SECRET))
    digest = refuse(sender)
    erase(sender)
    refuse(second)
    second.token(Scope.INGEST)
    send_as(second, span_of(OTHER, THEIRS))
    erase(second, OTHER)
    assert not blob_path(digest).exists()
    assert sweep_removed() == 0
    assert check_blobs(reads=True).faults == []


def send_as(world: World, *spans: Any, token: int = 0) -> str:
    """Post the spans in one body with a token of the system, and return the body's digest."""
    body = make_request(*spans, system=world.system.key).SerializeToString()
    principal = principal_of_token(AccessToken.objects.filter(systems=world.system).order_by("pk")[token])
    receipt = ingest.ingest_traces(body=body, content_type=PROTOBUF, content_encoding="", principal=principal)
    assembly.assemble_due_traces(limit=10, now=timezone.now() + timedelta(minutes=1))
    return receipt.batch.body_digest


@pytest.mark.django_db(transaction=True)
def test_a_body_sent_again_after_retention_is_kept_for_a_period_of_its_own(
    sender: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = clock.now()
    sender.token(Scope.INGEST)
    with override_settings(RETENTION_DAYS={"traces": 60, "logs": 0}, CLOCK_TOLERANCE=10**9):
        body = send_as(sender, span_of(MINE, SECRET))
        monkeypatch.setattr(clock, "now", lambda: start + timedelta(days=61))
        assert apply_retention().n_bodies == 1
        assert not blob_path(body).exists()
        assert send_as(sender, span_of(MINE, SECRET), token=1) == body
        assert IngestBatch.objects.filter(body_digest=body).count() == 2
        assert sweep_removed() == 0
        read_blob(body)
        monkeypatch.setattr(clock, "now", lambda: start + timedelta(days=122))
        assert sweep_removed() == 1
    with pytest.raises(BlobErased):
        read_blob(body)


@pytest.mark.django_db(transaction=True)
def test_prompts_that_another_system_has_too_stay_for_it(sender: World) -> None:
    send(span_of(MINE, SECRET))
    inputs = collect_answer_prompts(sender.release)
    second = make_world("aml-copilot")
    store_inputs(release=sender.release, inputs=inputs, actor=ACTOR)
    theirs = store_inputs(release=second.release, inputs=inputs, actor=ACTOR)
    plan = erase(sender).plan
    assert read_inputs(theirs) == inputs
    assert [stay.why for stay in plan.stays] == ["another system posted the same file"]


@pytest.mark.django_db(transaction=True)
def test_prompts_stored_after_their_removal_are_kept(sender: World) -> None:
    send(span_of(MINE, SECRET))
    inputs = collect_answer_prompts(sender.release)
    store_inputs(release=sender.release, inputs=inputs, actor=ACTOR)
    erase(sender)
    theirs = store_inputs(release=make_world("aml-copilot").release, inputs=inputs, actor=ACTOR)
    sweep_removed()
    assert read_inputs(theirs) == inputs


@pytest.mark.django_db(transaction=True)
def test_a_file_whose_bytes_are_a_value_of_another_system_stays(sender: World) -> None:
    second = make_world("aml-copilot")
    second.token(Scope.INGEST)
    raw = eval_file(run_key=7, note=SECRET, other=LONG)
    send_as(second, span_of(OTHER, THEIRS, statement=raw.decode()))
    send_as(sender, span_of(MINE, SECRET))
    with pytest.raises(evals.EvalFileRefused):
        post(sender, raw)
    plan = erase(sender).plan
    assert [stay.why for stay in plan.stays] == [
        "the same bytes are a value, shared with a trace of another system"
    ]
    assert read_blob(sha256_hex(raw)) == raw


@pytest.mark.django_db(transaction=True)
def test_a_file_whose_bytes_are_a_value_of_the_trace_itself_goes(sender: World) -> None:
    raw = eval_file(run_key=7, note=SECRET, other=LONG)
    send_as(sender, span_of(MINE, SECRET, statement=raw.decode()))
    with pytest.raises(evals.EvalFileRefused):
        post(sender, raw)
    erase(sender)
    assert not blob_path(sha256_hex(raw)).exists()


def post_in_json(world: World, *spans: Any) -> bytes:
    """Post the spans in one JSON body, seal their traces, and return the body."""
    body = to_otlp_json(make_request(*spans, system=world.system.key))
    principal = principal_of_token(AccessToken.objects.filter(systems=world.system).order_by("pk")[0])
    ingest.ingest_traces(body=body, content_type=JSON, content_encoding="", principal=principal)
    assembly.assemble_due_traces(limit=10, now=timezone.now() + timedelta(minutes=1))
    return body


@pytest.mark.django_db(transaction=True)
def test_a_request_whose_bytes_are_a_value_of_another_system_stays(sender: World) -> None:
    """As a gateway's trace has it that keeps what it passed on."""
    second = make_world("aml-copilot")
    second.token(Scope.INGEST)
    body = post_in_json(sender, span_of(MINE, SECRET, statement=LONG))
    send_as(second, span_of(OTHER, THEIRS, passed_on=body.decode()))
    plan = erase(sender).plan
    assert (
        f"body {sha256_hex(body)}",
        "the same bytes are a value, shared with a trace of another system",
    ) in [(stay.what, stay.why) for stay in plan.stays]
    assert read_blob(sha256_hex(body)) == body


@pytest.mark.django_db(transaction=True)
def test_a_request_whose_bytes_are_a_value_of_the_trace_itself_goes(sender: World) -> None:
    body = post_in_json(sender, span_of(MINE, SECRET, statement=LONG))
    also_mine = span_of(MINE, SECRET, passed_on=body.decode())
    also_mine.span_id = bytes(range(8))
    send_as(sender, also_mine)
    erase(sender)
    assert not blob_path(sha256_hex(body)).exists()


@pytest.mark.django_db(transaction=True)
def test_retention_takes_a_request_and_leaves_the_value_that_has_its_bytes(
    sender: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = clock.now()
    with override_settings(RETENTION_DAYS={"traces": 60, "logs": 0}, CLOCK_TOLERANCE=10**9):
        body = post_in_json(sender, span_of(MINE, SECRET, statement=LONG))
        send_as(sender, span_of(OTHER, THEIRS, passed_on=body.decode()))
        monkeypatch.setattr(clock, "now", lambda: start + timedelta(days=61))
        assert apply_retention().n_bodies == 2
        assert read_blob(sha256_hex(body)) == body
        assert (sweep_removed(), check_blobs(reads=True).faults) == (0, [])
        blob_path(sha256_hex(body)).unlink()
        assert [fault for fault in check_blobs(reads=False).faults if sha256_hex(body) in fault]
        blob_path(sha256_hex(body)).write_bytes(body)
        erase(sender, OTHER)
    assert not blob_path(sha256_hex(body)).exists()


@pytest.mark.django_db(transaction=True)
def test_a_value_whose_bytes_were_a_file_that_nobody_has_any_more_goes_with_its_trace(sender: World) -> None:
    raw = eval_file(run_key=7, note=SECRET, other=LONG)
    send(span_of(MINE, SECRET))
    with pytest.raises(evals.EvalFileRefused):
        post(sender, raw)
    erase(sender)
    send(span_of(OTHER, THEIRS, statement=raw.decode()))
    report = erase(sender, OTHER)
    assert [stay.what for stay in report.plan.stays if sha256_hex(raw) in stay.what] == []
    assert not blob_path(sha256_hex(raw)).exists()


@pytest.mark.django_db(transaction=True)
def test_a_plan_names_no_trace_of_another_system_that_says_the_same(sender: World) -> None:
    second = make_world("aml-copilot")
    second.token(Scope.INGEST)
    send_as(second, span_of(OTHER, SECRET))
    send_as(sender, span_of(MINE, SECRET))
    document = json.loads(eval_file())
    document["samples"][3]["input"] = SECRET
    post(sender, json.dumps(document).encode())
    report = erase(sender)
    assert {stay.why for stay in report.plan.stays} == {
        "it says only what a trace of another system says too",
        "it is of a trace of another system, or says only what that says too",
    }
    assert OTHER.hex not in json.dumps(report.certificate.document)


@pytest.mark.django_db(transaction=True)
def test_a_plan_does_not_say_what_another_system_calls_its_file(sender: World) -> None:
    second = make_world("aml-copilot")
    send(span_of(MINE, SECRET))
    registry.ensure_version(
        system=second.system, kind="dataset", key="salaries", label="1", digest=sha256_hex(NOTED), actor=ACTOR,
        blob=store_blob(NOTED, "text/plain"),
    )  # fmt: skip
    digest = refuse(sender)
    plan = erase(sender).plan
    assert [(stay.what, stay.why) for stay in plan.stays] == [
        (f"refused file {digest}", "registered by another system")
    ]


@pytest.mark.django_db(transaction=True)
def test_a_deletion_waits_for_a_sender_that_has_stored_the_same_bytes_and_not_committed(
    sender: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On two connections: the sender found the file still there and wrote none."""
    second = make_world("aml-copilot")
    send(span_of(MINE, SECRET))
    digest = refuse(sender)
    delete = blob_removal.delete_files
    monkeypatch.setattr(blob_removal, "delete_files", lambda _: 0)  # the commit came, the deletion not yet
    erase(sender)

    def delete_on_another() -> int:
        try:
            return delete([digest])
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            refuse(second)
            deleting = pool.submit(delete_on_another)
            assert wait([deleting], timeout=1).not_done
        assert deleting.result(20) == 0
    assert read_blob(digest) == NOTED
