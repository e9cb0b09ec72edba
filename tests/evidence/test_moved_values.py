"""Whoever names a moved value in a span gets it, and takes it along, only where that span's own request brought it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from evidence.digests import sha256_hex
from evidence.errors import BlobErased
from evidence.models import IngestBatch, Reject, Span, Trace
from evidence.otlp import values
from evidence.otlp.values import BLOB_KEY
from evidence.services.assembly.values import find_large_values
from evidence.services.blobs import blob_path, read_blob, store_blob
from evidence.services.disposal.retention import apply_retention
from tests.evidence.eval_files import eval_file, post
from tests.evidence.otlp_bodies import START_NS, make_request, make_span, read_traces
from tests.evidence.subjects import MINE, OTHER, SECRET, erase, send, span_of
from tests.factories import World

TEXT = {"media_type": "text/plain; charset=utf-8"}
LARGE = "What another system's customer was told. " * 60  # above the limit of one value in these tests
pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _small_values(settings: Settings) -> None:
    settings.OTLP_MAX_ATTRIBUTE = 2_000


@pytest.fixture
def earlier(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take requests as they were taken before keys of ours were refused, and before it was kept what they moved."""
    create = IngestBatch.objects.create
    monkeypatch.setattr(values, "RESERVED_KEYS", frozenset())
    monkeypatch.setattr(IngestBatch.objects, "create", lambda moved, **fields: create(**fields))


def forged(trace_id: UUID, digest: str, name: str = "tracebinder.answer") -> Any:
    """A span that says of an attribute what we say of one that we moved."""
    span = span_of(trace_id, SECRET)
    for attribute in [one for one in span.attributes if one.key == name]:
        span.attributes.remove(attribute)
    said = span.attributes.add(key=name).value.kvlist_value.values
    for key, text in {BLOB_KEY: f"sha256:{digest}", **TEXT}.items():
        said.add(key=key).value.string_value = text
    return span


@pytest.mark.parametrize("key", ["tracebinder.blob", "tracebinder.bytes", "tracebinder.erased"])
def test_a_span_in_which_a_sender_uses_a_key_of_ours_is_refused_by_itself(key: str) -> None:
    span = make_span()
    span.attributes.add(key="a").value.kvlist_value.values.add(key=key).value.string_value = "x"
    top = make_span(span_id=b"\x02" * 8, attributes={key: "x"})
    read = read_traces(make_request(span, make_span(span_id=b"\x03" * 8), top).SerializeToString())
    assert [reject.code for reject in read.rejects] == ["reserved_key", "reserved_key"]
    assert all(repr(key) in reject.detail for reject in read.rejects)
    assert len(read.spans) == 1


@pytest.mark.parametrize("owner", ["another system's value", "a body", "an eval file"])
def test_no_bytes_are_read_through_a_marker_that_a_sender_wrote(
    sender: World, earlier: None, owner: str
) -> None:
    del earlier
    digest = {
        "another system's value": store_blob(LARGE.encode(), "text/plain; charset=utf-8").digest,
        "a body": send(span_of(OTHER, "Somebody else asks about a loan")),
        "an eval file": post(sender, eval_file()).run.raw_id,
    }[owner]
    send(forged(MINE, digest))
    trace = Trace.objects.get(trace_id=MINE)
    assert trace.answer == ""
    assert "value_in_blob" in {flag["code"] for flag in trace.flags}


@pytest.mark.parametrize("is_earlier", [False, True])
def test_a_value_that_was_moved_is_read(
    sender: World, is_earlier: bool, request: pytest.FixtureRequest
) -> None:
    if is_earlier:
        request.getfixturevalue("earlier")
    said: Any = {"tracebinder.answer": LARGE}
    send(span_of(MINE, SECRET, **said))
    assert Trace.objects.get().answer == LARGE
    assert (IngestBatch.objects.get().moved is None) is is_earlier


@pytest.mark.parametrize("owner", ["a body", "an eval file", "a refused file", "another trace's value"])
def test_an_erasure_takes_nothing_along_that_a_forged_marker_names(
    sender: World, earlier: None, owner: str
) -> None:
    del earlier
    if owner == "a refused file":
        with pytest.raises(Exception, match="run_key"):
            post(sender, eval_file(run_key=7))
        digest = Reject.objects.get().item_digest
    elif owner == "an eval file":
        digest = post(sender, eval_file()).run.raw_id
    else:
        digest = send(span_of(OTHER, "Somebody else asks about a loan", statement=LARGE))
    if owner == "another trace's value":
        marker = Span.objects.get(trace_id=OTHER).attributes["statement"]
        digest = marker[BLOB_KEY].removeprefix("sha256:")
    send(forged(MINE, digest, name="note"))
    erase(sender)
    assert read_blob(digest)


def test_a_forged_marker_keeps_no_value_from_being_erased(sender: World, earlier: None) -> None:
    del earlier
    send(span_of(MINE, SECRET, statement=LARGE))
    digest = Span.objects.get().attributes["statement"][BLOB_KEY].removeprefix("sha256:")
    send(forged(OTHER, digest, name="note"))
    assert erase(sender).plan.stays == []
    with pytest.raises(BlobErased):
        read_blob(digest)


def test_a_value_whose_bytes_are_a_file_of_somebody_as_well_stays(sender: World, settings: Settings) -> None:
    settings.OTLP_MAX_ATTRIBUTE = 1_000
    raw = eval_file()
    run = post(sender, raw).run
    send(span_of(MINE, SECRET, statement=raw.decode()))
    plan = erase(sender).plan
    assert read_blob(run.raw_id) == raw
    assert [(stay.what, stay.why) for stay in plan.stays] == [
        (f"value {run.raw_id}", "the same bytes are kept for evidence.EvalRun")
    ]


def test_a_value_goes_though_no_row_names_it_any_more(sender: World) -> None:
    """The refused item was cut before it came to the marker; the request still has it."""
    send(span_of(MINE, SECRET))
    long: Any = {f"a{number}": "x" * 1_500 for number in range(60)}
    send(span_of(MINE, "other words under the same span id", start=START_NS - 1, **long, statement=LARGE))
    refused = Reject.objects.get()
    assert BLOB_KEY not in str(refused.item)
    assert blob_path(sha256_hex(LARGE.encode())).exists()
    erase(sender)
    assert not blob_path(sha256_hex(LARGE.encode())).exists()


def test_what_is_no_value_is_no_users_of_one(sender: World) -> None:
    """An attribute that only speaks of a digest keeps nothing."""
    send(span_of(MINE, SECRET, statement=LARGE))
    digest = Span.objects.get().attributes["statement"][BLOB_KEY].removeprefix("sha256:")
    send(span_of(OTHER, f"What is sha256:{digest} about?"))
    assert erase(sender).plan.stays == []
    assert not blob_path(digest).exists()


def test_a_value_of_an_earlier_request_whose_body_is_gone_is_not_read_and_goes_with_its_trace(
    sender: World, earlier: None, settings: Settings
) -> None:
    del earlier
    said: Any = {"tracebinder.answer": LARGE}
    send(span_of(MINE, SECRET, **said))
    settings.RETENTION_DAYS = {"traces": 1, "logs": 0}
    assert apply_retention(now=timezone.now() + timedelta(days=2)).n_bodies == 1
    [span] = Span.objects.values("batch_id", "attributes")
    assert find_large_values([span]).restore(span) == span["attributes"]
    erase(sender)
    assert not blob_path(sha256_hex(LARGE.encode())).exists()
