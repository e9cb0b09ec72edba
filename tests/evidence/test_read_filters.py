"""Lists narrowed by what people ask for, and both ways along the chain."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from evidence.access import principal_of_user
from evidence.models import Membership, ReviewTask, Scope, SourceDocument, Trace
from evidence.services import assembly, registry, reviews
from tests.evidence.otlp_bodies import PROTOBUF, make_request, make_span
from tests.factories import DOCUMENT_TEXT, World, acting, make_person, manifest

pytestmark = pytest.mark.django_db
QUOTE = "annual percentage rate is 7.9%"
WINDOW = {"since": "2025-11-22T08:00:00Z", "until": "2025-11-22T10:00:00Z"}


def send_traces(api: Any, world: World, *answers: dict[str, str]) -> list[Trace]:
    """Post one trace for each dict of further attributes, and assemble them."""
    spans = []
    for number, further in enumerate(answers, start=1):
        said = {
            "gen_ai.operation.name": "invoke_agent", "tracebinder.release": "r1", "tracebinder.answer": QUOTE,
            "gen_ai.data_source.id": "credit-assistant-docs", "tracebinder.index.version": "1",
            "tracebinder.claims": json.dumps(
                [{"id": "c", "text": QUOTE, "start": 0, "end": len(QUOTE), "material": True,
                  "citations": [{"id": "x", "document": further.pop("document", "DOC-1"), "quote": QUOTE}]}]
            ),
            **further,
        }  # fmt: skip
        spans.append(make_span(trace_id=bytes([number]) * 16, attributes=said, parent_span_id=b""))
    body = make_request(*spans).SerializeToString()
    response = api.generic("POST", "/v1/traces", body, content_type=PROTOBUF, **world.headers(Scope.INGEST))
    assert response.status_code == 200
    assembly.assemble_due_traces(limit=10, now=timezone.now() + timedelta(minutes=1))
    ids = [uuid.UUID(bytes=bytes([number]) * 16) for number in range(1, len(answers) + 1)]
    return [Trace.objects.get(trace_id=trace_id) for trace_id in ids]


def ids_of(api: Any, world: World, path: str, **query: Any) -> list[str]:
    response = api.get(f"/api/v1/{path}", query, **world.headers(Scope.READ))
    assert response.status_code == 200, response.content
    return [row.get("trace_id") for row in response.json()["results"]]


def test_answers_that_relied_on_a_document_and_documents_an_answer_relied_on(api: Any, world: World) -> None:
    cited, other = send_traces(api, world, {}, {"document": "UNKNOWN"})
    digest = SourceDocument.objects.get().digest
    assert ids_of(api, world, "traces", document=digest) == [cited.trace_id.hex]
    assert ids_of(api, world, "traces", retrieved_document=digest) == [cited.trace_id.hex]
    assert ids_of(api, world, "traces", document="0" * 64) == []
    detail = api.get(f"/api/v1/traces/{cited.trace_id.hex}", **world.headers(Scope.READ)).json()
    assert detail["documents"] == [{"digest": digest, "cited": True}]
    assert (
        api.get(f"/api/v1/traces/{other.trace_id.hex}", **world.headers(Scope.READ)).json()["documents"] == []
    )


def test_answers_that_used_a_version_each_once(api: Any, world: World) -> None:
    first, second = send_traces(api, world, {}, {"tracebinder.index.version": "2"})
    index = world.release.pins.get(slot="index").version
    assert ids_of(api, world, "traces", version=index.digest) == [first.trace_id.hex]
    unknown = second.versions.get(version__label="2").version
    assert ids_of(api, world, "traces", version=unknown.digest) == [second.trace_id.hex]
    assert ids_of(api, world, "traces", version="0" * 64) == []


def test_versions_nobody_vouches_for_are_the_list_to_register(api: Any, world: World) -> None:
    send_traces(api, world, {"tracebinder.index.version": "2"})
    headers = world.headers(Scope.READ)
    listed = api.get("/api/v1/versions", {"registered": "false"}, **headers).json()["results"]
    assert [(row["kind"], row["label"], row["registered_by"]) for row in listed] == [("index", "2", None)]
    assert all(
        row["registered_by"]
        for row in api.get("/api/v1/versions?registered=true", **headers).json()["results"]
    )


def test_spans_and_traces_by_any_attribute_within_a_window(api: Any, world: World) -> None:
    first, second = send_traces(api, world, {"branch": "Leeds"}, {"branch": "York", "n": "7"})
    assert ids_of(api, world, "spans", attribute="branch=York", **WINDOW) == [str(second.trace_id)]
    assert ids_of(api, world, "spans", attribute=["branch=York", "n=8"], **WINDOW) == []
    assert ids_of(api, world, "traces", attribute="branch=Leeds", **WINDOW) == [first.trace_id.hex]
    path = f"traces/{second.trace_id.hex}/spans"
    assert len(ids_of(api, world, path, attribute="n=7")) == 1
    assert ids_of(api, world, path, attribute="n=8") == []


@pytest.mark.parametrize(
    ("query", "advice"),
    [
        ({}, "This field is required."),
        ({"attribute": "a=b"}, "This field is required."),
        ({"since": "2025-01-01T00:00:00Z", "until": "2025-11-22T10:00:00Z"}, "at most 24 hours apart"),
        ({**WINDOW, "attribute": "nosign"}, "`attribute` is key=value"),
    ],
)
def test_a_search_of_everything_is_refused_with_what_to_do(
    api: Any, world: World, query: dict[str, str], advice: str
) -> None:
    response = api.get("/api/v1/spans", query, **world.headers(Scope.READ))
    assert (response.status_code, response.json()["code"]) == (422, "invalid_input")
    assert advice in response.content.decode()


def test_traces_by_the_state_of_their_review(api: Any, world: World) -> None:
    asked, _ = send_traces(api, world, {"tracebinder.risk_tier": "high"}, {"tracebinder.risk_tier": "low"})
    required = ReviewTask.objects.get(trace=asked).reviews_required
    reviewers = [world.people["reviewer"], make_person("second", "reviewer")][:required]
    Membership.objects.get_or_create(system=world.system, user=reviewers[-1])
    assert ids_of(api, world, "traces", review="open") == [asked.trace_id.hex]
    assert len(ids_of(api, world, "traces", review="none")) == 1
    assert ids_of(api, world, "traces", reviewed="true") == []
    for reviewer in reviewers:
        reviews.record_review(
            trace=asked,
            principal=principal_of_user(reviewer),
            decision="reject",
            reason_code="unclear",
            rationale="why",
        )
    assert ids_of(api, world, "traces", review="done") == [asked.trace_id.hex]
    assert ids_of(api, world, "traces", decision="reject", reviewed="true") == [asked.trace_id.hex]
    assert ids_of(api, world, "traces", decision="approve") == []


def test_claims_by_verdict_and_trace(api: Any, world: World) -> None:
    good, bad = send_traces(api, world, {}, {"document": "UNKNOWN"})
    assert ids_of(api, world, "claims", verdict="verbatim") == [good.trace_id.hex]
    assert ids_of(api, world, "claims", trace=bad.trace_id.hex, material="true") == [bad.trace_id.hex]
    assert len(ids_of(api, world, "claims", release="r1", system=world.system.key)) == 2


def test_batches_by_time_and_refusals_and_never_those_of_others(api: Any, world: World) -> None:
    send_traces(api, world, {})
    headers = world.headers(Scope.READ)
    for query, n in (
        ({"rejected": "false"}, 1),
        ({"rejected": "true"}, 0),
        ({"until": "2020-01-01T00:00:00Z"}, 0),
    ):
        assert len(api.get("/api/v1/batches", query, **headers).json()["results"]) == n
    assert api.get("/api/v1/rejects?since=2020-01-01T00:00:00Z", **headers).json()["results"] == []


def test_two_index_versions_compared_with_the_answers_that_relied_on_what_changed(
    api: Any, world: World
) -> None:
    trace, _ = send_traces(api, world, {}, {"document": "UNKNOWN"})
    earlier = world.release.pins.get(slot="index").version
    documents = [
        registry.DocumentSpec(
            document_id="DOC-1", title="t", language="en", text=DOCUMENT_TEXT + " Changed."
        ),
        registry.DocumentSpec(document_id="DOC-2", title="t", language="en", text="New."),
    ]
    pins = [
        registry.PinSpec(slot="index", kind="index", key="credit-assistant-docs", label="2", documents=documents)
        if pin.slot == "index" else pin
        for pin in manifest(name="r2").pins
    ]  # fmt: skip
    release = registry.register_release(
        system=world.system, manifest=registry.ReleaseManifest(name="r2", pins=pins), principal=acting()
    )
    later = release.pins.get(slot="index").version
    query = {"system": world.system.key, "from": earlier.digest, "to": later.digest}
    told = api.get("/api/v1/index-diff", query, **world.headers(Scope.READ)).json()
    assert [row["document_id"] for row in told["added"]] == ["DOC-2"]
    assert [row["document_id"] for row in told["changed"]] == ["DOC-1"]
    assert (told["n_removed"], told["n_unchanged"]) == (0, 0)
    assert [row["trace_id"] for row in told["results"]] == [trace.trace_id.hex]
    back = {**query, "from": later.digest, "to": earlier.digest}
    told = api.get("/api/v1/index-diff", back, **world.headers(Scope.READ)).json()
    assert [row["document_id"] for row in told["removed"]] == ["DOC-2"]
    assert told["results"] == []
    missing = api.get("/api/v1/index-diff", {**query, "to": "0" * 64}, **world.headers(Scope.READ))
    assert missing.status_code == 404
