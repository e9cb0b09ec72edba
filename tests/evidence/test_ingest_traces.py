"""What a 200 promises: stored, known, or refused with its reason, once, whatever is sent how often."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from django.db import connection
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from evidence.access import Principal, principal_of_token
from evidence.digests import sha256_hex
from evidence.models import AccessToken, AuditEvent, Blob, IngestBatch, PendingTrace, Reject, Scope, Span
from evidence.otlp.span_digest import digest_row
from evidence.services import audit, ingest
from evidence.services.blobs import read_blob
from tests.evidence.otlp_bodies import (
    JSON,
    PROTOBUF,
    SPAN_ID,
    START_NS,
    TRACE_ID,
    make_request,
    make_span,
    to_otlp_json,
)
from tests.factories import World


@pytest.fixture
def sender(world: World) -> Principal:
    """The principal of a token that may write to the credit assistant."""
    world.token(Scope.INGEST)
    return principal_of_token(AccessToken.objects.get())


def post(sender: Principal, body: bytes, content_type: str = PROTOBUF) -> ingest.Receipt:
    return ingest.ingest_traces(body=body, content_type=content_type, content_encoding="", principal=sender)


def partial(receipt: ingest.Receipt) -> tuple[int, str]:
    reply = ExportTraceServiceResponse.FromString(receipt.reply).partial_success
    return reply.rejected_spans, reply.error_message


def test_spans_are_stored_as_sent(world: World, sender: Principal) -> None:
    awkward = 'tab\t newline\n backslash\\ quote" \\N \\. 大\u2028'
    span = make_span(name=awkward, attributes={"a\\b": awkward})
    span.status.message = awkward
    receipt = post(sender, make_request(span).SerializeToString())
    assert partial(receipt) == (0, "")
    row = Span.objects.get()
    assert (row.system, row.batch) == (world.system, receipt.batch)
    assert (row.trace_id.bytes, row.span_id, row.parent_span_id) == (TRACE_ID, SPAN_ID.hex(), "")
    assert (row.name, row.status_message, row.attributes) == (awkward, awkward, {"a\\b": awkward})
    assert row.start_ns == START_NS
    assert row.started_at.timestamp() == START_NS / 1e9


def test_raw_body_is_kept_and_the_event_names_it(sender: Principal) -> None:
    body = make_request(make_span()).SerializeToString()
    batch = post(sender, body).batch
    assert read_blob(batch.body_digest) == body
    assert (batch.n_items, batch.n_accepted, batch.n_duplicate, batch.n_rejected) == (1, 1, 0, 0)
    event = AuditEvent.objects.get(verb="ingest_batch.stored")
    assert (event.object_id, event.object_digest) == (str(batch.pk), sha256_hex(body))


def test_same_body_again_changes_nothing_and_answers_the_same(sender: Principal) -> None:
    body = make_request(
        make_span(), make_span(span_id=bytes(8)), make_span(start_time_unix_nano=START_NS - 1)
    ).SerializeToString()
    first, again = post(sender, body), post(sender, body)
    assert first.reply == again.reply
    assert first.batch == again.batch
    counts = [model.objects.count() for model in (Span, IngestBatch, Reject)]
    assert counts == [1, 1, 2]
    assert AuditEvent.objects.filter(verb="ingest_batch.stored").count() == 1
    assert PendingTrace.objects.get().generation == 1


def test_gzip_of_the_same_body_is_the_same_body(sender: Principal) -> None:
    body = make_request(make_span()).SerializeToString()
    post(sender, body)
    ingest.ingest_traces(
        body=gzip.compress(body), content_type=PROTOBUF, content_encoding="gzip", principal=sender
    )
    assert IngestBatch.objects.count() == 1


def test_known_span_in_another_body_is_a_duplicate_and_no_reject(sender: Principal) -> None:
    span = make_span(attributes={"a": "b"})
    post(sender, make_request(span).SerializeToString())
    batch = post(sender, to_otlp_json(make_request(span)), JSON).batch
    assert (batch.n_accepted, batch.n_duplicate, batch.n_rejected) == (0, 1, 0)
    assert Span.objects.count() == 1


def test_other_content_for_a_known_span_is_a_conflict_and_the_first_stands(sender: Principal) -> None:
    post(sender, make_request(make_span(name="first")).SerializeToString())
    # In another partition.
    later = make_span(name="second", start_time_unix_nano=START_NS - 90 * 86_400 * 10**9)
    rejected, message = partial(post(sender, make_request(later).SerializeToString()))
    assert rejected == 1
    assert "span_conflict" in message
    assert Span.objects.get().name == "first"
    reject = Reject.objects.get()
    assert reject.item is not None
    assert (reject.code, reject.item["name"], reject.span_id) == ("span_conflict", "second", SPAN_ID.hex())


def test_conflict_within_one_request(sender: Principal) -> None:
    body = make_request(
        make_span(name="first"),
        make_span(name="first"),
        make_span(name="second", start_time_unix_nano=START_NS - 1),
    ).SerializeToString()
    batch = post(sender, body).batch
    assert (batch.n_accepted, batch.n_duplicate, batch.n_rejected) == (1, 1, 1)
    assert Span.objects.get().name == "first"


def test_other_content_from_the_same_start_is_kept_beside_the_first(sender: Principal) -> None:
    post(sender, make_request(make_span(name="first")).SerializeToString())
    batch = post(
        sender, make_request(make_span(name="second", parent_span_id=b"\x0c" * 8)).SerializeToString()
    ).batch
    assert (batch.n_accepted, batch.n_rejected) == (1, 0)
    row = Span.objects.get(name="second")
    assert (row.parent_span_id, row.digest) == (SPAN_ID.hex(), digest_row(vars(row)))
    assert row.attributes["tracebinder.version_of"] == {"span_id": SPAN_ID.hex(), "parent_span_id": "0c" * 8}


def test_span_of_a_system_the_token_may_not_write_is_refused_alone(sender: Principal) -> None:
    request = make_request(make_span())
    request.MergeFrom(make_request(make_span(span_id=b"\x0a" * 8), system="aml-copilot"))
    request.MergeFrom(make_request(make_span(span_id=b"\x0b" * 8), system=""))
    rejected, message = partial(post(sender, request.SerializeToString()))
    assert rejected == 1
    assert "aml-copilot" in message
    assert list(Reject.objects.values_list("code", flat=True)) == ["system_not_permitted"]
    assert Span.objects.count() == 2  # the third names none, and the token has one


def test_nul_of_a_refused_span_is_kept_escaped(world: World, sender: Principal) -> None:
    body = make_request(
        make_span(), make_span(span_id=b"\x0a" * 8, attributes={"a": "x\x00y"}, kind=40_000)
    ).SerializeToString()
    assert partial(post(sender, body))[0] == 1
    reject = Reject.objects.get()
    assert reject.system == world.system
    assert "x\\u0000y" in json.dumps(reject.item).replace("\\\\", "\\")


def test_refusal_that_quotes_a_nul_can_be_stored(sender: Principal) -> None:
    span = {"traceId": "01" * 16, "spanId": "02" * 8, "kind": "BAD\x00\ud800"}
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    assert post(sender, body, JSON).batch.n_rejected == 1


def test_oversize_value_is_a_blob_and_a_warning(sender: Principal, settings: Any) -> None:
    settings.OTLP_MAX_ATTRIBUTE = 1_000
    rejected, message = partial(
        post(sender, make_request(make_span(attributes={"prompt": "p" * 5_000})).SerializeToString())
    )
    assert rejected == 0
    assert "stored apart" in message
    digest = Span.objects.get().attributes["prompt"]["tracebinder.blob"].removeprefix("sha256:")
    assert read_blob(digest) == b"p" * 5_000
    assert Blob.objects.filter(digest=digest).exists()


def test_traces_are_put_up_for_assembly(world: World, sender: Principal) -> None:
    child = make_span(span_id=b"\x0a" * 8, parent_span_id=SPAN_ID)
    post(sender, make_request(child).SerializeToString())
    pending = PendingTrace.objects.get(system=world.system)
    assert (pending.generation, pending.root_ended) == (1, False)
    post(sender, make_request(make_span()).SerializeToString())
    pending.refresh_from_db()
    assert (pending.generation, pending.root_ended) == (2, True)


def test_nothing_new_puts_nothing_up(sender: Principal) -> None:
    span = make_span()
    post(sender, make_request(span).SerializeToString())
    PendingTrace.objects.all().delete()  # as after assembly
    post(sender, to_otlp_json(make_request(span)), JSON)
    assert not PendingTrace.objects.exists()


def test_no_spans_without_their_event(sender: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise RuntimeError("no event")

    monkeypatch.setattr(audit, "record", refuse)
    with pytest.raises(RuntimeError):
        post(sender, make_request(make_span()).SerializeToString())
    assert not Span.objects.exists()
    assert not IngestBatch.objects.exists()
    assert not PendingTrace.objects.exists()


def test_span_lands_in_the_partition_of_its_month(sender: Principal) -> None:
    from django.utils import timezone

    now = timezone.now()
    start = int(now.timestamp() * 1e9)
    old = make_span(span_id=b"\x0a" * 8, start_time_unix_nano=10**18, end_time_unix_nano=10**18)  # 2001
    post(
        sender,
        make_request(
            make_span(start_time_unix_nano=start, end_time_unix_nano=start), old
        ).SerializeToString(),
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM evidence_span ORDER BY started_at")
        assert [row[0] for row in cursor.fetchall()] == [
            "evidence_span_default",
            f"evidence_span_{now:%Y_%m}",
        ]
