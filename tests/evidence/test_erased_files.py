"""An erasure reaches what came in files of results, and what was refused."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction

from evidence import locks
from evidence.access import principal_of_command_line, principal_of_token
from evidence.digests import sha256_hex
from evidence.models import (
    AccessToken,
    Reject,
    Span,
)
from evidence.redaction import redact
from evidence.services import evals, ingest
from evidence.services.blobs import blob_path, read_blob, read_what_is_left
from evidence.services.disposal import files, holds
from evidence.services.people import memberships
from tests.evidence.eval_files import eval_file, post
from tests.evidence.otlp_bodies import (
    PROTOBUF,
    START_NS,
    make_request,
)
from tests.evidence.subjects import DAY_NS, LONG, MINE, OTHER, SECRET, THEIRS, erase, send, span_of
from tests.factories import World, acting, make_world


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
