"""Any order, any split, any repetition, any encoding of the same spans: the same trace, through the database."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span as OtlpSpan

from evidence.access import Principal, principal_of_token
from evidence.models import AccessToken, Citation, Claim, PendingTrace, Scope, Span, Trace
from evidence.services.assembly import assemble_due_traces
from evidence.services.ingest import ingest_traces
from tests.evidence.otlp_bodies import (
    JSON,
    PROTOBUF,
    SPAN_ID,
    START_NS,
    make_request,
    make_span,
    to_otlp_json,
)
from tests.factories import World
from tests.how_many import examples

CLAIMS = [
    {
        "text": "The annual percentage rate is 7.9%.",
        "material": True,
        "citations": [
            {"index": "credit-assistant-docs", "document": "DOC-1", "quote": "annual percentage rate is 7.9%"}
        ],
    }
]
ENCODINGS = st.sampled_from(["protobuf", "json", "gzip"])


def make_spans() -> list[OtlpSpan]:
    """A root with an answer and four steps below it, two of which began in the same nanosecond."""
    steps = [
        {"gen_ai.operation.name": "retrieval", "gen_ai.data_source.id": "credit-assistant-docs"},
        {"gen_ai.operation.name": "chat", "gen_ai.request.model": "smol"},
        {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "rate_table"},
        {"tracebinder.policy.decision": "allow", "tracebinder.policy.rule": "prohibited_claims"},
    ]
    root = {
        "gen_ai.operation.name": "invoke_agent",
        "tracebinder.question": "What does a loan cost?",
        "tracebinder.answer": "The annual percentage rate is 7.9%.",
        "tracebinder.claims": json.dumps(CLAIMS),
    }
    return [make_span(attributes=root)] + [
        make_span(
            span_id=bytes([0x10 + number] * 8),
            parent_span_id=SPAN_ID,
            start_time_unix_nano=START_NS + number // 2,
            attributes=attributes,
        )
        for number, attributes in enumerate(steps)
    ]


SPANS = make_spans()


@dataclass(frozen=True)
class Delivery:
    """One request: which spans, in which order and encoding, and whether a worker comes by afterwards."""

    members: list[int]
    encoding: str
    assembled: bool


@st.composite
def deliveries(draw: st.DrawFn) -> list[Delivery]:
    """Every span at least once, some again, in any order, cut anywhere."""
    order = draw(
        st.permutations([*range(len(SPANS)), *draw(st.lists(st.integers(0, len(SPANS) - 1), max_size=3))])
    )
    cuts = sorted(draw(st.sets(st.integers(1, len(order) - 1), max_size=3)))
    parts = [order[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    return [Delivery(part, draw(ENCODINGS), draw(st.booleans())) for part in parts]


def deliver(delivery: Delivery, sender: Principal) -> None:
    request = make_request(*(SPANS[number] for number in delivery.members))
    plain = to_otlp_json(request) if delivery.encoding == "json" else request.SerializeToString()
    packed = delivery.encoding == "gzip"
    ingest_traces(
        body=gzip.compress(plain) if packed else plain,
        content_type=JSON if delivery.encoding == "json" else PROTOBUF,
        content_encoding="gzip" if packed else "",
        principal=sender,
    )
    if delivery.assembled:
        assemble()


def assemble() -> None:
    assemble_due_traces(limit=10, now=timezone.now() + timedelta(minutes=1))


@contextmanager
def undone() -> Iterator[None]:
    """Take back what the block writes, so that the same spans can arrive another way."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def read_result() -> tuple[object, ...]:
    """Return what the last revision says, by content."""
    last = Trace.objects.order_by("-revision")[0]
    claims = (
        Claim.objects.filter(trace=last).order_by("ordinal").values_list("text", "start", "end", "material")
    )
    citations = Citation.objects.filter(claim__trace=last).values_list(
        "quote", "verdict", "doc_start", "doc_end"
    )
    return (last.digest, last.status, last.span_count, last.answer, list(claims), list(citations))


@settings(
    max_examples=examples(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(arrivals=deliveries())
def test_the_same_spans_give_the_same_trace_however_they_arrive(
    world: World, arrivals: list[Delivery]
) -> None:
    world.token(Scope.INGEST)
    sender = principal_of_token(AccessToken.objects.latest("pk"))
    with undone():
        deliver(Delivery(list(range(len(SPANS))), "protobuf", assembled=True), sender)
        expected = read_result()
    with undone():
        for delivery in arrivals:
            deliver(delivery, sender)
        assemble()
        assert read_result() == expected
        assert Span.objects.count() == len(SPANS)
        assert not PendingTrace.objects.exists()
        digests = list(Trace.objects.order_by("revision").values_list("digest", flat=True))
        assert len(set(digests)) == len(digests), "a revision that says nothing new"
