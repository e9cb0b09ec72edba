"""A span's digest is over what its row holds, so that it can be made again from the row and from a binder."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
import pytest
from django.db import connection
from django.db.models import TextField
from django.db.models.functions import Cast
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from opentelemetry.proto.trace.v1.trace_pb2 import Span as OtlpSpan

from evidence.access import Principal, principal_of_token
from evidence.digests import digest_of
from evidence.models import AccessToken, Reject, Scope, Span, System, Trace
from evidence.otlp.span_digest import DIGESTED_COLUMNS, JSON_COLUMNS, digest_row, digest_texts
from evidence.selectors.binder.shapes import write_line
from evidence.selectors.binder.spans import SPAN
from evidence.services import ingest
from evidence.services.assembly import assemble_due_traces, replay_trace
from evidence.services.disposal.erasure import erase_trace_payload
from tests.evidence.otlp_bodies import JSON, PROTOBUF, make_request, make_span, to_otlp_json
from tests.factories import World, acting
from tests.how_many import examples

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | TEXTS | st.binary(max_size=4)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
AS_TEXTS = [Cast(one, TextField()) if one in JSON_COLUMNS else one for one in DIGESTED_COLUMNS]
DIGEST_AND_ITS_TIME = {"digest", "digestFormat", "receivedAt"}


@pytest.fixture
def sender(world: World) -> Principal:
    world.token(Scope.INGEST)
    return principal_of_token(AccessToken.objects.get())


def post(sender: Principal, span: OtlpSpan, *, as_json: bool = False) -> Any:
    request = make_request(span)
    body = to_otlp_json(request) if as_json else request.SerializeToString()
    kind = JSON if as_json else PROTOBUF
    receipt = ingest.ingest_traces(body=body, content_type=kind, content_encoding="", principal=sender)
    return receipt.batch


def set_value(target: Any, value: Any) -> None:  # noqa: C901  # one case for each kind there is
    match value:
        case None:
            pass
        case bool():
            target.bool_value = value
        case int():
            target.int_value = value
        case float():
            target.double_value = value
        case str():
            target.string_value = value
        case bytes():
            target.bytes_value = value
        case list():
            target.array_value.SetInParent()
            for member in value:
                set_value(target.array_value.values.add(), member)
        case dict():
            target.kvlist_value.SetInParent()
            for key, member in value.items():
                set_value(target.kvlist_value.values.add(key=key).value, member)


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(25))
@given(attributes=st.dictionaries(TEXTS, VALUES, max_size=4))
@example(
    attributes={"a": 1e300, "b": 1e16, "c": -0.0, "d": 5e-324, "e": 2**53, "f": 9007199254740993.0, "g": 1e-7}
)
@example(attributes={"\U0001f600": 1, "\ue000": 2, "z": 1.0, "y": 0.1})
def test_any_attributes_are_digested_alike_coming_in_and_read_back(
    sender: Principal, attributes: dict[str, Any]
) -> None:
    span = make_span(span_id=digest_of(repr(attributes)).encode()[:8])
    for key, value in attributes.items():
        set_value(span.attributes.add(key=key).value, value)
    batch = post(sender, span)
    assert batch.n_rejected == 0
    stored = Span.objects.filter(span_id=span.span_id.hex())
    row = stored.values().get()
    assert digest_row(row) == row["digest"]
    assert digest_texts(stored.values_list(*AS_TEXTS).get()) == row["digest"]
    packed = json.loads(write_line(SPAN.document(stored.values_list(*SPAN.columns).get())))
    assert (
        digest_of({key: value for key, value in packed.items() if key not in DIGEST_AND_ITS_TIME})
        == row["digest"]
    )


@pytest.mark.django_db
def test_the_same_span_in_another_order_and_encoding_is_known(sender: Principal) -> None:
    """Over the bytes of a message it was a conflict: the order of attributes counted."""
    one, other = make_span(), make_span()
    del one.attributes[:], other.attributes[:]
    for key in ("a", "b"):
        one.attributes.add(key=key).value.double_value = 0.5
    for key in ("b", "a"):
        other.attributes.add(key=key).value.double_value = 0.5
    assert post(sender, one).n_accepted == 1
    again = post(sender, other)
    assert (again.n_duplicate, again.n_rejected) == (1, 0)
    assert post(sender, other, as_json=True).n_duplicate == 1


def store_in_the_old_format(sender: Principal, span: Any) -> None:
    """Store a span as a server of before did, which knows of no formats, under the id ffffffffffffffff.

    Nobody can make its digest again.
    """
    post(sender, span)
    columns = ", ".join(("system_id", "batch_id", "started_at", "received_at", *DIGESTED_COLUMNS))
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE kept AS SELECT {columns} FROM evidence_span")
        cursor.execute("UPDATE kept SET span_id = 'ffffffffffffffff'")
        old = f"{columns}, digest"
        cursor.execute(f"INSERT INTO evidence_span ({old}) SELECT {columns}, repeat('0', 64) FROM kept")
    span.span_id = b"\xff" * 8


@pytest.mark.django_db
def test_a_span_that_a_server_of_before_stored_is_known_again(sender: Principal) -> None:
    """It may write until the last one is replaced."""
    span = make_span()
    store_in_the_old_format(sender, span)
    assert post(sender, span).n_duplicate == 1
    span.name = "other"
    assert post(sender, span).n_accepted == 1  # another version of it
    span.start_time_unix_nano -= 1
    assert post(sender, span).n_rejected == 1


@pytest.mark.django_db
def test_an_erased_span_of_the_old_format_that_is_sent_again_leaves_nothing_behind(sender: Principal) -> None:
    span = make_span(attributes={"said": "Ms Ngozi Okafor earns 41,200 a year"})
    store_in_the_old_format(sender, span)
    erase_trace_payload(
        principal=acting(),
        system=System.objects.get(),
        trace_id=UUID(bytes=span.trace_id),
        reason="request 1",
    )
    span.attributes.add(key="b").value.bool_value = True  # so that it is another body
    assert post(sender, span).n_duplicate == 1
    assert not Reject.objects.exists()


@pytest.mark.django_db
def test_a_row_that_its_owner_changed_is_not_what_the_trace_was_sealed_from(sender: Principal) -> None:
    post(sender, make_span())
    assert assemble_due_traces(limit=10, now=timezone.now() + timedelta(minutes=30)) == 1
    trace = Trace.objects.get()
    assert replay_trace(trace).replayed_inputs == trace.digest
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("ALTER TABLE evidence_span DISABLE TRIGGER USER")
        cursor.execute("UPDATE evidence_span SET attributes = jsonb_set(attributes, '{forged}', 'true')")
    assert replay_trace(trace).replayed_inputs != trace.digest
