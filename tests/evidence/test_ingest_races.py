"""Senders at the same time, on real connections: one span, one row, and everybody gets a true answer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from evidence.access import Principal, principal_of_token
from evidence.models import AccessToken, IngestBatch, PendingTrace, Scope, Span
from evidence.services import ingest
from tests import factories
from tests.evidence.otlp_bodies import PROTOBUF, START_NS, make_request, make_span

SENDERS = 6


@pytest.fixture
def sender(transactional_db: None) -> Principal:
    factories.make_world().token(Scope.INGEST)
    return principal_of_token(AccessToken.objects.get())


def post_together(sender: Principal, make_body: Callable[[int], bytes]) -> list[ingest.Receipt]:
    """Post one body from each of several threads, as nearly at once as can be."""
    start = Barrier(SENDERS)

    def post(number: int) -> ingest.Receipt:
        try:
            start.wait()
            return ingest.ingest_traces(
                body=make_body(number), content_type=PROTOBUF, content_encoding="", principal=sender
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(SENDERS) as pool:
        return list(pool.map(post, range(SENDERS)))


def test_same_body_from_many_is_one_batch_and_one_answer(sender: Principal) -> None:
    spans = [make_span(span_id=bytes([number] * 8)) for number in range(1, 30)]
    body = make_request(*spans, make_span(span_id=bytes(8))).SerializeToString()
    receipts = post_together(sender, lambda _: body)
    assert len({receipt.reply for receipt in receipts}) == 1
    assert IngestBatch.objects.count() == 1
    assert Span.objects.count() == 29


def test_same_span_id_with_other_content_and_month_from_many_is_stored_once(sender: Principal) -> None:
    """The unique constraint cannot see this one: the months differ, so the partitions do."""
    month = 31 * 86_400 * 10**9
    receipts = post_together(
        sender,
        lambda number: make_request(
            make_span(start_time_unix_nano=START_NS - number * month, name=str(number))
        ).SerializeToString(),
    )
    assert sum(receipt.batch.n_accepted for receipt in receipts) == 1
    assert sum(receipt.batch.n_rejected for receipt in receipts) == SENDERS - 1
    assert Span.objects.count() == 1


def test_overlapping_traces_in_any_order_do_not_deadlock(sender: Principal) -> None:
    traces = [bytes([number] * 16) for number in range(1, 40)]

    def make_body(number: int) -> bytes:
        order = traces if number % 2 else traces[::-1]
        spans = [make_span(trace_id=trace_id, span_id=bytes([number + 1] * 8)) for trace_id in order]
        return make_request(*spans).SerializeToString()

    receipts = post_together(sender, make_body)
    assert all(receipt.batch.n_accepted == len(traces) for receipt in receipts)
    assert PendingTrace.objects.filter(generation=SENDERS).count() == len(traces)


def test_what_another_system_posts_first_under_our_ids_is_no_span_of_ours(sender: Principal) -> None:
    """It pre-empted ours, and the conflict told its digest."""
    other = factories.make_world("aml-copilot")
    other.token(Scope.INGEST)
    stranger = principal_of_token(AccessToken.objects.latest("pk"))

    def post(principal: Principal, system: str, name: str) -> ingest.Receipt:
        body = make_request(make_span(name=name), system=system).SerializeToString()
        return ingest.ingest_traces(
            body=body, content_type=PROTOBUF, content_encoding="", principal=principal
        )

    assert post(stranger, "aml-copilot", "theirs").batch.n_accepted == 1
    ours = post(sender, "credit-assistant", "ours").batch
    assert (ours.n_accepted, ours.n_duplicate, ours.n_rejected) == (1, 0, 0)
    assert set(Span.objects.values_list("system__key", "name")) == {
        ("aml-copilot", "theirs"), ("credit-assistant", "ours"),
    }  # fmt: skip
