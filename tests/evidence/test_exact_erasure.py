"""An erasure takes what is the subject's, in every copy, and nothing that is another's: spans, values and bodies."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from evidence import clock
from evidence.access import principal_of_token
from evidence.clock_rules import offset_sql
from evidence.errors import BlobErased
from evidence.models import (
    AccessToken,
    BlobRemoval,
    Erasure,
    IngestBatch,
    Span,
)
from evidence.otlp.values import BLOB_KEY
from evidence.services import ingest
from evidence.services.blob_checks import check_blobs
from evidence.services.blobs import blob_path, read_blob, read_what_is_left, what_is_left
from evidence.services.disposal import blob_removal, holds
from evidence.services.disposal.blob_plans import Role
from evidence.services.disposal.blob_removal import sweep_removed
from evidence.services.disposal.retention import apply_retention
from evidence.services.ingest import requests, spans
from interpret.services.prompts import collect_answer_prompts, read_inputs, store_inputs
from tests.evidence.eval_files import eval_file, post
from tests.evidence.otlp_bodies import (
    JSON,
    PROTOBUF,
    START_NS,
    make_request,
    read_traces,
    to_otlp_json,
)
from tests.evidence.subjects import DAY_NS, LONG, MINE, OTHER, SECRET, THEIRS, erase, send, span_of
from tests.factories import ACTOR, World, acting


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
